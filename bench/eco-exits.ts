// What ECO-M2F's exits save: milliseconds of a picture for each number of encoder layers, by the stages that a gate leaves out, beside the same model as one
// graph. Weights are drawn from a seed: what a run takes does not depend on them. Exits take turns, and medians count. Beside the time that passes stands the
// processor's time, which other programs on the machine hardly change.
//
//   npx tsx bench/eco-exits.ts [--size 512] [--rounds 7] [--threads 1] [--out bench/results/dense/eco-exits.json]
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { exportOnnx, exportStages } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { FIRST_EXIT } from "../src/models/mask2former/config.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { GatedSession } from "../src/runtime/gated-session.ts";
import { tensor } from "../src/tensor.ts";

const MODEL = "eco_m2f_swin_tiny_coco_panoptic";
const ANSWER = ["class_logits", "mask_logits"];

const { values: flags } = parseArgs({
  options: {
    size: { type: "string", default: "512" },
    rounds: { type: "string", default: "7" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: "bench/results/dense/eco-exits.json" },
  },
});
const [size, rounds, threads] = [Number(flags.size), Number(flags.rounds), Number(flags.threads)];

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
const tenth = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;

const definition = defineModel(MODEL, { img_size: size });
const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name: MODEL });
const { steps, files, macs } = exportStages(model, { target: "onnxruntime", kind: "gated" });
const options = { device: "cpu", threads } as const;
const gated = new GatedSession(steps, await nodeHost.createStagedSession(files, options));
const whole = await nodeHost.createSession(exportOnnx(model, { target: "onnxruntime", outputs: ANSWER }), options);

const random = new RandomSource(0, "picture");
const image = tensor(
  "float32",
  [1, 3, size, size],
  Float32Array.from({ length: 3 * size * size }, () => random.normal()),
);
const exits = Array.from({ length: gated.lastExit + 1 }, (_, exit) => exit);
interface Taken {
  readonly passed: number;
  readonly processor: number;
  readonly steps: readonly number[];
}
const times = exits.map((): Taken[] => []);
const wholeTimes: Taken[] = [];
/** Runs once, and says what it took. */
async function timed(run: () => Promise<readonly number[]>): Promise<Taken> {
  const [start, used] = [performance.now(), process.cpuUsage()];
  const ofSteps = await run();
  const { user, system } = process.cpuUsage(used);
  return { passed: performance.now() - start, processor: (user + system) / 1000, steps: ofSteps };
}
for (let round = -1; round < rounds; round++) {
  for (const exit of exits) {
    const taken = await timed(async () => (await gated.runOne({ image }, { exit, outputs: ANSWER })).milliseconds);
    if (round >= 0) times[exit]!.push(taken);
  }
  const taken = await timed(async () => {
    await whole.run({ image }, { outputs: ANSWER });
    return [];
  });
  if (round >= 0) wholeTimes.push(taken);
}
await Promise.all([gated.dispose(), whole.dispose()]);

const gmacs = (list: readonly number[]) => Math.round(list.reduce((a, b) => a + b, 0) / 1e7) / 100;
const summary = (taken: readonly Taken[]) => ({
  milliseconds: tenth(median(taken.map(({ passed }) => passed))),
  processor_milliseconds: tenth(median(taken.map(({ processor }) => processor))),
});
const rows = exits.map((exit) => ({
  encoder_layers: exit + FIRST_EXIT,
  ...summary(times[exit]!),
  gmacs: gmacs([...macs.slice(0, 1 + exit), macs.at(-1)!]),
}));
const last = times.at(-1)!;
const result = {
  model: MODEL,
  size,
  rounds,
  threads,
  processor: nodeHost.machine.processor,
  exits: rows,
  steps: steps.map((step, i) => ({
    step,
    milliseconds: tenth(median(last.map(({ steps: own }) => own[i]!))),
    gmacs: gmacs([macs[i]!]),
  })),
  whole_graph: summary(wholeTimes),
};
await mkdir(dirname(flags.out), { recursive: true });
await writeFile(flags.out, `${JSON.stringify(result, undefined, 2)}\n`);
for (const row of rows)
  console.log(
    `${row.encoder_layers} layers: ${row.processor_milliseconds} ms of processor, ${row.milliseconds} ms in all, ${row.gmacs} GMACs`,
  );
console.log(`as one graph: ${result.whole_graph.processor_milliseconds} ms of processor`);
