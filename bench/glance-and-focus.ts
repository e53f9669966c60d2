// Whether a policy earns its place: accuracy after each look with the places it chooses, with places anywhere and with the middle, and what
// stopping early costs in milliseconds and saves, against the same backbone on whole pictures.
//
//   npx tsx bench/glance-and-focus.ts --data scenes --run runs/gfnet-scenes --backbone runs/scenes-backbone/best \
//     [--threads 2] [--timed 200] [--rounds 3] [--out bench/results/glance-and-focus.json] [--plots docs/images]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Dataset } from "../src/data/dataset.ts";
import { loadPicture } from "../src/data/files.ts";
import { openDataset } from "../src/data/open.ts";
import { type AccuracySeries, drawAccuracy } from "../src/evaluate/bench/plots/accuracy.ts";
import { spreadOf } from "../src/evaluate/statistics.ts";
import { StepMeter } from "../src/evaluate/steps.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { readModelFolder } from "../src/model-folder/load.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { createDataWorkers } from "../src/platform/node/data-workers.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import { loadAdaptiveClassifier } from "../src/tasks/adaptive-classifier.ts";
import { loadClassifier } from "../src/tasks/classifier.ts";
import { type PatchChoice, validateLooks } from "../src/train/gfnet/validation.ts";
import { validationLoader } from "../src/train/loaders.ts";
import { parseRecipe } from "../src/train/recipe.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    run: { type: "string" },
    backbone: { type: "string" },
    threads: { type: "string", default: "2" },
    timed: { type: "string", default: "200" },
    rounds: { type: "string", default: "3" },
    out: { type: "string", default: "bench/results/glance-and-focus.json" },
    plots: { type: "string", default: "docs/images" },
  },
});
const { data, run, backbone } = flags;
if (data === undefined || run === undefined || backbone === undefined)
  throw new Error("--data, --run and --backbone are needed; see the head of this file");
const session = { device: "cpu", threads: Number(flags.threads) } as const;

const { validation } = await openDataset(nodeDataFiles, data);
if (validation === undefined) throw new Error(`${data} has no validation pictures`);

/** Accuracy after each look, 0..1. */
async function accuracyByLook(folder: string, choice: PatchChoice): Promise<readonly number[]> {
  const { definition, weights } = await readModelFolder(nodeHost.files, join(folder, "best"));
  const recipe = parseRecipe(
    JSON.parse(new TextDecoder().decode(await nodeHost.files.read(join(folder, "recipe.json")))),
  );
  const loader = validationLoader(validation!, recipe, createDataWorkers(1));
  try {
    const { looks } = await validateLooks({
      definition,
      weights,
      loader,
      choice,
      seed: 0,
      createSession: (bytes, more) => nodeHost.createSession(bytes, { ...session, ...more }),
    });
    return looks!;
  } finally {
    await loader.dispose();
  }
}

async function picturesOf(dataset: Dataset): Promise<{ image: RawImage; label: number }[]> {
  const items = Array.from({ length: dataset.length }, (_, i) => i);
  return Promise.all(
    items.map(async (i) => {
      const { picture, label } = await dataset.item(i);
      return { image: await loadPicture(picture, nodeDataFiles, nodeHost.decode), label };
    }),
  );
}

const pictures = await picturesOf(validation);
const stages = [1, 2, 3].map((stage) => join(run, `stage-${stage}`)) as [string, string, string];
const CHOICES: readonly PatchChoice[] = ["policy", "random", "centre"];
const byLook = async (folder: string) => {
  const result: Partial<Record<PatchChoice, readonly number[]>> = {};
  for (const choice of CHOICES) result[choice] = await accuracyByLook(folder, choice);
  return result as Record<PatchChoice, readonly number[]>;
};
// After stage 2 the encoders are those of stage 1, which saw patches anywhere: only the places differ.
const afterPolicy = await byLook(stages[1]);
const afterTuning = await byLook(stages[2]);

await using looking = await loadAdaptiveClassifier(nodeHost, join(stages[2], "best"), session);
await using whole = await loadClassifier(nodeHost, backbone, session);

const meter = new StepMeter(looking.stepMacs);
let right = 0;
for (let start = 0; start < pictures.length; start += 8) {
  const part = pictures.slice(start, start + 8);
  const images = part.map(({ image }) => image);
  for (const [i, { stepLogits }] of (await looking.scores(images)).entries()) meter.add(stepLogits, part[i]!.label);
  for (const [i, { logits }] of (await whole.scores(images)).entries())
    if (logits.indexOf(Math.max(...logits)) === part[i]!.label) right += 1;
}
const { steps, curve } = meter.result();
const wholeAccuracy = right / pictures.length;

/** Some rows of the curve, from cheap to thorough, and everything without stopping. */
const chosen = [0.1, 0.3, 0.5, 0.8, 1.2, 1.9].map(
  (ratio) => curve.find((point) => Math.abs(point.ratio - ratio) < 1e-6) ?? curve.at(-1)!,
);
const sample = pictures.filter((_, i) => i % Math.max(1, Math.floor(pictures.length / Number(flags.timed))) === 0);

interface Subject {
  readonly name: string;
  readonly top1: number;
  answer(images: readonly RawImage[]): Promise<unknown>;
}
const subjects: readonly Subject[] = [
  ...chosen.map(({ ratio, top1, thresholds }) => ({
    name: `early exit, q = ${ratio}`,
    top1,
    answer: (images: readonly RawImage[]) => looking.scores(images, { thresholds, batchSize: images.length }),
  })),
  {
    name: "all looks",
    top1: steps.at(-1)!.top1,
    answer: (images) => looking.scores(images, { batchSize: images.length }),
  },
  {
    name: "backbone on the whole picture",
    top1: wholeAccuracy,
    answer: (images) => whole.scores(images, { batchSize: images.length }),
  },
];

/** Mean over the pictures of each one's median over the rounds; subjects take turns picture by picture. */
async function millisecondsOf(batch: number): Promise<number[]> {
  const groups = Array.from({ length: Math.floor(sample.length / batch) }, (_, i) =>
    sample.slice(i * batch, (i + 1) * batch).map(({ image }) => image),
  );
  for (const { answer } of subjects) await answer(groups[0]!);
  const times = subjects.map(() => groups.map((): number[] => []));
  for (let round = 0; round < Number(flags.rounds); round++)
    for (const [g, images] of groups.entries())
      for (const [s, { answer }] of subjects.entries()) {
        const start = performance.now();
        await answer(images);
        times[s]![g]!.push((performance.now() - start) / batch);
      }
  return times.map((own) => own.reduce((sum, rounds) => sum + spreadOf(rounds).median, 0) / groups.length);
}

const batches = [1, 32].filter((batch) => batch <= sample.length);
const ms: Record<number, number[]> = {};
for (const batch of batches) ms[batch] = await millisecondsOf(batch);

const rows = subjects.map(({ name, top1 }, i) => ({
  name,
  top1,
  ...Object.fromEntries(batches.map((batch) => [`ms_batch_${batch}`, Number(ms[batch]![i]!.toFixed(3))])),
}));
const report = {
  date: new Date().toISOString(),
  machine: describeMachine(),
  threads: session.threads,
  pictures: pictures.length,
  timed_pictures: sample.length,
  step_macs: looking.stepMacs,
  accuracy_by_look: { after_stage_2: afterPolicy, after_stage_3: afterTuning },
  steps,
  backbone: { top1: wholeAccuracy },
  curve,
  rows,
};
mkdirSync(dirname(flags.out), { recursive: true });
writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
console.table(rows);
console.table(Object.fromEntries(CHOICES.map((choice) => [choice, afterPolicy[choice]])));
console.table(Object.fromEntries(CHOICES.map((choice) => [choice, afterTuning[choice]])));

const LABELS: Record<PatchChoice, string> = { policy: "the policy", random: "anywhere", centre: "the middle" };
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const lookSeries = (name: string, accuracies: readonly number[]): AccuracySeries => ({
  label: name,
  points: accuracies.map((accuracy, i) => ({
    x: i + 1,
    accuracy,
    title: `${name}, ${i + 1} looks: ${percent(accuracy)}`,
  })),
});
mkdirSync(flags.plots, { recursive: true });
const setting = `${pictures.length} validation scenes; chance is ${percent(1 / validation.labels.length)}`;
writeFileSync(
  join(flags.plots, "looks.svg"),
  drawAccuracy({
    title: "Accuracy after each look, by where patches are",
    xTitle: "looks, the glance included",
    note: setting,
    series: [
      ...CHOICES.map((choice) => lookSeries(LABELS[choice], afterPolicy[choice])),
      lookSeries("the policy, fine-tuned", afterTuning.policy),
    ],
    xTicks: steps.map((_, i) => i + 1),
  }),
);
const timeOf = (i: number) => ms[1]![i]!;
const timed = (indices: readonly number[]) =>
  indices.map((i) => ({
    x: timeOf(i),
    accuracy: subjects[i]!.top1,
    title: `${subjects[i]!.name}: ${percent(subjects[i]!.top1)}, ${timeOf(i).toFixed(2)} ms`,
  }));
writeFileSync(
  join(flags.plots, "early-exit.svg"),
  drawAccuracy({
    title: "Accuracy against time: stopping early, and the whole picture at once",
    xTitle: "milliseconds a scene, batch 1",
    note: `${report.machine.processor}, ${session.threads} threads; ${setting}`,
    series: [
      { label: "glance and focus", points: timed([...chosen.keys(), chosen.length]) },
      { label: "the backbone, whole", points: timed([subjects.length - 1]) },
    ],
  }),
);
