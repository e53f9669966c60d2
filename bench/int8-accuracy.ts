// What eight bits cost in accuracy: the same model on the same pictures in float32 and in int8, picture by picture.
//
//   npx tsx bench/int8-accuracy.ts MODEL DATA [--batch 32] [--threads 2] [--out bench/results/int8-accuracy.json]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { answerDataset } from "../src/evaluate/answers.ts";
import { openForEvaluation } from "../src/evaluate/dataset-split.ts";
import { matchLabels } from "../src/evaluate/label-match.ts";
import type { Precision } from "../src/onnx/lower.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { bootstrapMeans, meanOf } from "../src/statistics.ts";
import { loadClassifier } from "../src/tasks/classify/classifier.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "32" },
    threads: { type: "string", default: "2" },
    out: { type: "string" },
  },
});
const [model, data] = positionals;
if (model === undefined || data === undefined) throw new Error("which model, and which pictures? MODEL DATA");

/** What a model in one precision said of every picture, by the picture's number. */
interface Answers {
  readonly predicted: ReadonlyMap<number, number>;
  /** Pictures whose label came first, and among the first five. */
  readonly top1: ReadonlySet<number>;
  readonly top5: ReadonlySet<number>;
}

const { dataset, split } = await openForEvaluation(nodeDataFiles, data);

async function answersIn(precision: Precision): Promise<Answers> {
  const options = { device: "cpu", threads: Number(flags.threads), precision } as const;
  await using classifier = await loadClassifier(nodeHost, model!, options);
  if (classifier.labels === undefined) throw new Error(`${model} does not say what its classes are called`);
  const { classOf, classes } = matchLabels(dataset, classifier.labels);
  const predicted = new Map<number, number>();
  const [top1, top5] = [new Set<number>(), new Set<number>()];
  const access = { files: nodeDataFiles, decode: nodeHost.decode };
  const outcomes = answerDataset(classifier, dataset, access, {
    batchSize: Number(flags.batch),
    wantsGaze: () => false,
  });
  for await (const { answer } of outcomes) {
    if (answer === undefined) continue; // a picture that cannot be read, in either precision
    const { scores } = answer.scores;
    const right = classes[classOf[answer.label]!]!.modelIndex;
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    predicted.set(answer.index, order[0]!);
    if (order[0] === right) top1.add(answer.index);
    if (order.slice(0, 5).includes(right)) top5.add(answer.index);
  }
  return { predicted, top1, top5 };
}

const exact = await answersIn("float32");
const coarse = await answersIn("int8");
const pictures = [...exact.predicted.keys()];
// What int8 loses, in points: 100 for a picture that only float32 answers rightly, -100 for one that only int8 does.
const lost = (of: "top1" | "top5") =>
  Float64Array.from(pictures, (index) => 100 * (Number(exact[of].has(index)) - Number(coarse[of].has(index))));
const [top1Loss] = bootstrapMeans([lost("top1")], new RandomSource(0, "bench/int8-accuracy"));
const share = (hits: ReadonlySet<number>) => hits.size / pictures.length;
const report = {
  model,
  split,
  pictures: pictures.length,
  date: new Date().toISOString().slice(0, 10),
  processor: nodeHost.machine.processor,
  float32: { top1: share(exact.top1), top5: share(exact.top5) },
  int8: { top1: share(coarse.top1), top5: share(coarse.top5) },
  /** In percentage points; negative where int8 is better. The interval resamples pictures. */
  top1Loss,
  top5Loss: meanOf(lost("top5")),
  /** Of pictures, how many get the same first answer. */
  agreement: pictures.filter((i) => exact.predicted.get(i) === coarse.predicted.get(i)).length / pictures.length,
};
const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
console.log(`${model} on ${pictures.length} pictures (${split})`);
for (const precision of ["float32", "int8"] as const)
  console.log(
    `  ${precision.padEnd(8)} top-1 ${percent(report[precision].top1)}, top-5 ${percent(report[precision].top5)}`,
  );
const { mean, low, high } = top1Loss!;
console.log(`  int8 loses ${mean.toFixed(2)} points of top-1 (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)})`);
console.log(`  the same first answer: ${percent(report.agreement)} of pictures`);
if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
