// SparseFormer in WebAssembly (onnxruntime-web, as browsers run it) beside the native engine, on one thread and on more, and which of the graph's
// choices pay there: tables or maps of features, kernels or plain arithmetic, gathered changes of shape, eight bits. Float32, batch 1, interleaved.
//
//   npx tsx bench/wasm.ts [--models sparseformer_v1_tiny,saccade/everyday] [--rounds 15] [--threads 2] [--out bench/results/wasm.json]
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { judgeLoad, type LoadShare, loadBetween } from "../src/evaluate/bench/load.ts";
import { trace } from "../src/graph/scope.ts";
import type { Graph } from "../src/graph/tensor.ts";
import { usualExtent } from "../src/model-folder/describe.ts";
import { loadModel, requireNative } from "../src/model-folder/load.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { type LowerOptions, lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine, readLoad } from "../src/platform/node/machine.ts";
import type { NodeSession } from "../src/platform/node/session.ts";
import { RandomSource } from "../src/random.ts";
import { spreadOf } from "../src/statistics.ts";
import { type TensorData, tensor, toFloat32 } from "../src/tensor.ts";

const { values: flags } = parseArgs({
  options: {
    models: { type: "string", default: "sparseformer_v1_tiny,saccade/everyday" },
    rounds: { type: "string", default: "15" },
    threads: { type: "string", default: "2" },
    out: { type: "string" },
  },
});
const manyThreads = Number(flags.threads);

/** One way to write the graph. */
interface Way {
  readonly name: string;
  /** Features as maps, which training has, instead of tables. */
  readonly maps?: boolean;
  readonly lowering?: LowerOptions;
}

/** The first is what `Classifier` runs. */
const AS_RUN: Way = { name: "as run" };
const WAYS: readonly Way[] = [
  { name: "standard operators only", lowering: { target: "portable" } },
  { name: "changes of shape as traced", lowering: { simplify: false } },
  { name: "features as maps, GridSample", maps: true },
  { name: "features as maps, four gathers", maps: true, lowering: { gridSample: "gather" } },
  { name: "GELU from the error function", lowering: { opset: 19 } },
  { name: "int8", lowering: { precision: "int8" } },
];

/** A session in the comparison. */
interface Station {
  readonly way: string;
  readonly threads: number;
  readonly session: NodeSession;
  readonly logits: Float32Array;
  /** One each a round. */
  readonly times: number[];
  readonly cpuTimes: number[];
}

async function modelNamed(name: string): Promise<NativeModel> {
  if (name.includes("/")) return requireNative(await loadModel(nodeHost, name));
  const definition = defineModel(name);
  const weights = initialWeights(inferenceGraph(definition), 0);
  // Layers that start at zero would have every look at the same points, and every way the same answer.
  for (const [parameter, value] of weights) {
    if (!toFloat32(value).every((x) => x === 0)) continue;
    const random = new RandomSource(1, parameter);
    const values = toFloat32(value).map(() => random.between(-0.05, 0.05));
    weights.set(parameter, tensor("float32", value.shape, values));
  }
  return nativeModel(definition, weights, { name });
}

function graphFor({ definition }: NativeModel, size: { height: number; width: number }, maps: boolean): Graph {
  if (!maps) return inferenceGraph(definition, size);
  const { architecture } = definition;
  const config = { ...(definition.config as object), drop_path_rate: 0 };
  return trace((scope) => {
    const image = scope.graph.input("image", ["batch", 3, size.height, size.width]);
    return architecture.build(scope, image, config, Mode.training());
  });
}

async function openStation(
  model: NativeModel,
  way: Way,
  device: "cpu" | "wasm",
  threads: number,
  image: TensorData,
): Promise<Station> {
  const [, , height, width] = image.shape as [number, number, number, number];
  const graph = graphFor(model, { height, width }, way.maps ?? false);
  const lowering = { target: "onnxruntime", outputs: ["logits"], parameters: model.weights, ...way.lowering } as const;
  const session = await nodeHost.createSession(lower(graph, lowering), { device, threads });
  const logits = await runOnce(session, image);
  return { way: way.name, threads, session, logits: logits.values, times: [], cpuTimes: [] };
}

interface Run {
  readonly ms: number;
  /** Of the processor: on one thread, what a run takes where nobody else wants the machine. */
  readonly cpuMs: number;
  readonly values: Float32Array;
}

async function runOnce(session: NodeSession, image: TensorData): Promise<Run> {
  const fed = { ...image, data: image.data.slice() } as TensorData; // it is given away
  const before = process.cpuUsage();
  const start = performance.now();
  const { logits } = await session.run({ image: fed }, { transferInputs: true });
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { ms, cpuMs: (user + system) / 1000, values: toFloat32(logits!) };
}

/** Short runs are repeated within a turn, after one that brings the weights back into the caches. */
async function turn({ session, times, cpuTimes }: Station, image: TensorData, repeats: number): Promise<void> {
  if (repeats > 1) await runOnce(session, image);
  const all: Run[] = [];
  for (let i = 0; i < repeats; i++) all.push(await runOnce(session, image));
  times.push(spreadOf(all.map(({ ms }) => ms)).median);
  cpuTimes.push(spreadOf(all.map(({ cpuMs }) => cpuMs)).median);
}

async function measure(name: string) {
  const model = await modelNamed(name);
  const { height, width } = usualExtent(model.definition, model.card.transform);
  const random = new RandomSource(0, "bench/wasm");
  const pixels = Float32Array.from({ length: 3 * height * width }, () => random.between(-2, 2));
  const image = tensor("float32", [1, 3, height, width], pixels);
  const open = (way: Way, device: "cpu" | "wasm", threads: number) => openStation(model, way, device, threads, image);
  const reference = await open(AS_RUN, "wasm", 1);
  const stations = [reference];
  for (const threads of [1, manyThreads]) stations.push(await open(AS_RUN, "cpu", threads));
  for (const device of ["wasm", "cpu"] as const) for (const way of WAYS) stations.push(await open(way, device, 1));
  const rounds = Number(flags.rounds);
  const repeats = Math.max(1, Math.min(15, Math.round(40 / (await runOnce(reference.session, image)).ms)));
  const shares: LoadShare[] = [];
  const { machineCores } = describeMachine();
  for (let round = 0; round < rounds; round++) {
    const before = readLoad();
    for (const station of stations) await turn(station, image, repeats);
    shares.push(loadBetween(before, readLoad(), machineCores));
  }
  // The threads of WebAssembly look out for work long after a run, and would take from whoever is next. So they come last, alone.
  const threaded = await open(AS_RUN, "wasm", manyThreads);
  for (let round = 0; round < rounds; round++) await turn(threaded, image, repeats);
  stations.splice(1, 0, threaded);
  await Promise.all(stations.map(({ session }) => session.dispose()));
  const { used, others } = judgeLoad(shares);
  const rows = stations.map(({ way, threads, session, logits, times, cpuTimes }) => ({
    way,
    engine: session.engine,
    threads,
    ms: spreadOf(used.map((round) => times[round]!)),
    cpuMs: spreadOf(used.map((round) => cpuTimes[round]!)),
    /** Times what WebAssembly takes on one thread, round by round. */
    ratio: spreadOf(used.map((round) => times[round]! / reference.times[round]!)).median,
    cpuRatio: spreadOf(used.map((round) => cpuTimes[round]! / reference.cpuTimes[round]!)).median,
    logitDifference: Math.max(...logits.map((value, i) => Math.abs(value - reference.logits[i]!))),
  }));
  return { model: name, height, width, others, rounds: used.length, rows };
}

type Result = Awaited<ReturnType<typeof measure>>;

function print({ model, height, width, others, rows }: Result): void {
  const load = others === undefined ? "an unknown share" : `${Math.round(100 * others)} %`;
  console.log(`${model}, ${height} x ${width}, others took ${load} of the machine`);
  for (const { way, engine, threads, ms, cpuMs, ratio, cpuRatio, logitDifference } of rows) {
    const times = (time: number, times: number) => `${time.toFixed(2).padStart(8)} ms x${times.toFixed(2)}`;
    console.log(
      `  ${way.padEnd(32)} ${engine.padEnd(24)} threads ${threads} ${times(ms.median, ratio)}, processor ${times(cpuMs.median, cpuRatio)}, logits ${logitDifference.toExponential(1)} off`,
    );
  }
}

/** Into a file that may have other models already. */
function record(path: string, result: Result): void {
  const earlier: Result[] = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).models : [];
  const { processor, cores, simd, memoryBytes } = describeMachine();
  const report = {
    machine: { processor, cores, simd, memoryBytes, node: process.version },
    date: new Date().toISOString().slice(0, 10),
    models: [...earlier.filter(({ model }) => model !== result.model), result],
  };
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
}

for (const name of flags.models.split(",")) {
  const result = await measure(name);
  print(result);
  if (flags.out !== undefined) record(flags.out, result);
}
