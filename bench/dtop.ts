// DToP over ViT-B at 512 pixels: how much faster one picture is whose tokens stop, dense and pruned in turns. Weights are random (time does not depend on
// them), and thresholds are laid so that wanted shares of the tokens are left. Three forms: dense; pruned for one picture at a time; pruned with a free batch,
// as tasks load it, which masks.
//
//   npx tsx bench/dtop.ts [--left 0.8,0.65 --left 0.7,0.5] [--device cpu] [--threads 1] [--rounds 9] [--out bench/results/dtop.json]
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { exportOnnx } from "../src/model-folder/compile.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { modelCost } from "../src/models/cost.ts";
import { CONTEXT } from "../src/models/dtop/pruning.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { changedModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import type { Device, Session } from "../src/runtime/session.ts";
import { spreadOf } from "../src/statistics.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";

const MODEL = "dtop_base_ade20k";
const SIDE = 512;

const { values: flags } = parseArgs({
  options: {
    left: { type: "string", multiple: true, default: ["0.8,0.65", "0.7,0.5"] },
    device: { type: "string", default: "cpu" },
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "9" },
    out: { type: "string" },
  },
});
const device = flags.device as Device;
const threads = Number(flags.threads);
const rounds = Number(flags.rounds);

const random = new RandomSource(0, "bench/dtop");
const pixels = 3 * SIDE * SIDE;
const image = tensor(
  "float32",
  [1, 3, SIDE, SIDE],
  Float32Array.from({ length: pixels }, () => random.normal()),
);
const weights = initialWeights(inferenceGraph(changedModel(MODEL, {})), 0);

function withThresholds(thresh: number | readonly number[]): NativeModel {
  return nativeModel(changedModel(MODEL, {}, { thresh }), weights, { name: MODEL });
}

interface Form {
  /** 1, or free. */
  readonly batch?: 1;
  readonly outputs?: readonly string[];
}

function open(model: NativeModel, { batch, outputs = ["logits"] }: Form) {
  const size = batch === undefined ? {} : { batch };
  return nodeHost.createSession(exportOnnx(model, { target: "onnxruntime", outputs, size }), { device, threads });
}

async function outputsOf(model: NativeModel, outputs: readonly string[]): Promise<Record<string, TensorData>> {
  await using session = await open(model, { batch: 1, outputs });
  return await session.run({ image }, { outputs });
}

/** A threshold that leaves about so many tokens, of those that are still there. @param there by token */
function thresholdFor(maps: TensorData, there: (token: number) => boolean, left: number): number {
  const [, classes = 0, height = 0, width = 0] = maps.shape;
  const tokens = height * width;
  const values = toFloat64(maps);
  const surest = Array.from({ length: tokens }, (_, token) => {
    let label = 0;
    for (let c = 1; c < classes; c++) if (values[c * tokens + token]! > values[label * tokens + token]!) label = c;
    return { label, sure: values[label * tokens + token]!, token };
  });
  const candidates = surest.filter(({ token }) => there(token)).sort((a, b) => b.sure - a.sure);
  const seen = new Map<number, number>();
  let stopped = 0;
  for (const [i, { label, sure }] of candidates.entries()) {
    const before = seen.get(label) ?? 0;
    seen.set(label, before + 1);
    if (before >= CONTEXT) stopped++;
    if (candidates.length - stopped <= left) return (sure + (candidates[i + 1]?.sure ?? 0)) / 2;
  }
  throw new Error(`no threshold leaves ${left} tokens`);
}

/** Thresholds of both heads that leave such shares of all tokens, about. */
async function thresholdsFor([first, second]: readonly [number, number]): Promise<[number, number]> {
  const dense = await outputsOf(withThresholds(1), ["exit.0.logits"]);
  const tokens = (SIDE / 16) ** 2;
  const one = thresholdFor(dense["exit.0.logits"]!, () => true, first * tokens);
  const after = await outputsOf(withThresholds([one, 0.999999]), ["exit.1.logits", "exits"]);
  const exits = toFloat64(after.exits!);
  return [one, thresholdFor(after["exit.1.logits"]!, (token) => exits[token]! > 0, second * tokens)];
}

/** Milliseconds of the clock, and of the processor, all threads together: the latter does not count what others take. */
async function timed(session: Session): Promise<{ readonly wall: number; readonly processor: number }> {
  const [from, before] = [performance.now(), process.cpuUsage()];
  await session.run({ image });
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - from, processor: (user + system) / 1000 };
}

async function measure(shares: readonly [number, number]) {
  const thresh = await thresholdsFor(shares);
  const pruned = withThresholds(thresh);
  const left = [...toFloat64((await outputsOf(pruned, ["tokens_left"])).tokens_left!)];
  const sessions = {
    dense: await open(withThresholds(1), { batch: 1 }),
    pruned: await open(pruned, { batch: 1 }),
    free_batch: await open(pruned, {}),
  };
  const times = Object.fromEntries(
    Object.keys(sessions).map((name) => [name, { wall: [] as number[], processor: [] as number[] }]),
  );
  for (let round = -1; round < rounds; round++)
    for (const [name, session] of Object.entries(sessions)) {
      const { wall, processor } = await timed(session);
      if (round < 0) continue;
      times[name]!.wall.push(wall);
      times[name]!.processor.push(processor);
    }
  for (const session of Object.values(sessions)) await session.dispose();

  const extent = { height: SIDE, width: SIDE };
  const denseMacs = modelCost(withThresholds(1).definition, extent).macs;
  const macs = modelCost(pruned.definition, { ...extent, tokensLeft: left }).macs;
  const faster = (name: string, clock: "wall" | "processor") =>
    spreadOf(times.dense![clock].map((ms, round) => ms / times[name]![clock][round]!)).median;
  const round = (value: number) => Number(value.toFixed(3));
  return {
    tokens_left: left.map(round),
    gmacs: { dense: round(denseMacs / 1e9), pruned: round(macs / 1e9) },
    ms: Object.fromEntries(
      Object.entries(times).map(([name, { wall, processor }]) => [
        name,
        { wall: round(spreadOf(wall).median), processor: round(spreadOf(processor).median) },
      ]),
    ),
    // Round by round, and then the median.
    times_as_fast: {
      by_macs: round(denseMacs / macs),
      pruned: { wall: round(faster("pruned", "wall")), processor: round(faster("pruned", "processor")) },
      free_batch: { wall: round(faster("free_batch", "wall")), processor: round(faster("free_batch", "processor")) },
    },
  };
}

const cases = [];
for (const text of flags.left) {
  const [first, second] = text.split(",").map(Number);
  cases.push(await measure([first!, second!]));
  console.log(JSON.stringify(cases.at(-1), null, 2));
}
const result = {
  model: MODEL,
  size: SIDE,
  batch: 1,
  device,
  threads,
  rounds,
  processor: cpus()[0]?.model ?? "",
  cases,
};
if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(result, null, 2)}\n`);
