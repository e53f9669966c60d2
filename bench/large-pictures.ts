// What large pictures cost SparseFormer-T, in time and in memory, when the stem's features are computed for the whole picture, and when only where
// they are sampled; from normalised floats and from bytes. Weights are random, and spread so that every look goes elsewhere.
//
//   npx tsx bench/large-pictures.ts [--rounds 7] [--threads 2] [--sizes 224,512,1024,2048,4096] [--out bench/results/large-pictures.json]
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { judgeLoad, type LoadShare, loadBetween } from "../src/evaluate/bench/load.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { writeModelFolder } from "../src/model-folder/load.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { pixelForm } from "../src/model-folder/picture-form.ts";
import { type InferenceForm, inferenceGraph, initialWeights } from "../src/models/graph.ts";
import type { PixelNormalization } from "../src/models/pixels.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine, peakMemory, readLoad } from "../src/platform/node/machine.ts";
import { RandomSource } from "../src/random.ts";
import type { Session } from "../src/runtime/session.ts";
import { spreadOf } from "../src/statistics.ts";
import { loadClassifier } from "../src/tasks/classify/classifier.ts";
import { type TensorData, tensor, toFloat32 } from "../src/tensor.ts";

const NORMALIZATION: PixelNormalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

interface Way {
  readonly name: string;
  readonly form: InferenceForm;
}

/** Where a form is sampled, its sizes are fixed, as exports fix them: then pixels are read by fours. */
const WAYS: readonly Way[] = [
  { name: "floats, whole picture", form: { onlyWhereSampled: false } },
  { name: "bytes, whole picture", form: { onlyWhereSampled: false, pixels: NORMALIZATION } },
  { name: "floats, where sampled", form: { onlyWhereSampled: true } },
  { name: "bytes, where sampled", form: { onlyWhereSampled: true, pixels: NORMALIZATION } },
];

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    threads: { type: "string", default: "2" },
    sizes: { type: "string", default: "224,512,1024,2048,4096" },
    out: { type: "string" },
    memory: { type: "string" }, // of this process, for one picture: SIZE,MODEL,PICTURE
  },
});
const threads = Number(flags.threads);
const sizes = flags.sizes.split(",").map(Number);

/** Weights that start at zero would have every look at the same points. */
function sparseformerT(): NativeModel {
  const definition = defineModel("sparseformer_v1_tiny");
  const weights = initialWeights(inferenceGraph(definition), 0);
  for (const [name, value] of weights) {
    if (!/roi_(offset|adjust)_module\.1/.test(name)) continue;
    const random = new RandomSource(1, name);
    weights.set(
      name,
      tensor(
        "float32",
        value.shape,
        toFloat32(value).map(() => random.between(-0.05, 0.05)),
      ),
    );
  }
  return nativeModel(definition, weights, { name: "sparseformer_v1_tiny" });
}

/** Waves across and down. */
function picture(size: number): Uint8Array {
  const wave = (turns: number, height: number) =>
    Float64Array.from({ length: 3 * size }, (_, i) => height * Math.sin((turns * i) / size + (i % 3)));
  const [across, down] = [wave(7, 60), wave(5, 60)];
  const bytes = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < 3 * size; x++) bytes[y * 3 * size + x] = 128 + across[x]! + down[3 * y]!;
  return bytes;
}

/** The same picture as bytes (1, H, W, 3) and normalised (1, 3, H, W). */
function inputs(size: number): { bytes: TensorData; image: TensorData } {
  const bytes = picture(size);
  const image = new Float32Array(bytes.length);
  const plane = size * size;
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < plane; i++)
      image[c * plane + i] = (bytes[3 * i + c]! / 255 - NORMALIZATION.mean[c]!) / NORMALIZATION.std[c]!;
  return {
    bytes: tensor("uint8", [1, size, size, 3], bytes),
    image: tensor("float32", [1, 3, size, size], image),
  };
}

interface TimeRow {
  readonly way: string;
  readonly ms: number;
  readonly lowestMs: number;
  /** Times what the whole picture takes at 224 pixels from the same kind of input, round by round. */
  readonly over224: number;
  /** Largest difference of the logits from those of the first way. */
  readonly logitDifference: number;
}

/** A session and what it is fed. */
interface Station {
  readonly session: Session;
  readonly feed: TensorData;
}

async function openStation(model: NativeModel, size: number, form: InferenceForm): Promise<Station> {
  const fixed = { height: size, width: size };
  const bytes = exportOnnx(model, { target: "onnxruntime", outputs: ["logits"], size: fixed, form });
  const session = await nodeHost.createSession(bytes, { device: "cpu", threads });
  const { bytes: pixels, image } = inputs(size);
  return { session, feed: form.pixels === undefined ? image : pixels };
}

async function runOnce({ session, feed }: Station): Promise<{ ms: number; logits: Float32Array }> {
  const image = { ...feed, data: feed.data.slice() } as TensorData; // it is given away
  const start = performance.now();
  const { logits } = await session.run({ image }, { transferInputs: true });
  return { ms: performance.now() - start, logits: toFloat32(logits!) };
}

/** All ways at one size and both at 224 pixels, a turn each in every round. */
async function measureTimes(model: NativeModel, size: number, rounds: number) {
  const references: Station[] = [];
  for (const { form } of WAYS.slice(0, 2)) references.push(await openStation(model, 224, form));
  const stations: Station[] = [];
  for (const { form } of WAYS) stations.push(await openStation(model, size, form));
  const all = [...references, ...stations];
  const logits: Float32Array[] = [];
  for (const station of all) logits.push((await runOnce(station)).logits); // the first run of a session is slow
  const times = all.map((): number[] => []);
  const shares: LoadShare[] = [];
  const { machineCores } = describeMachine();
  for (let round = 0; round < rounds; round++) {
    const before = readLoad();
    for (const [i, station] of all.entries()) times[i]!.push((await runOnce(station)).ms);
    shares.push(loadBetween(before, readLoad(), machineCores));
  }
  await Promise.all(all.map(({ session }) => session.dispose()));
  const { used, others } = judgeLoad(shares);
  const rows = WAYS.map(({ name, form }, i): TimeRow => {
    const own = times[references.length + i]!;
    const reference = times[form.pixels === undefined ? 0 : 1]!;
    const off = logits[references.length + i]!.map((value, at) => Math.abs(value - logits[references.length]![at]!));
    return {
      way: name,
      ms: spreadOf(used.map((round) => own[round]!)).median,
      lowestMs: Math.min(...used.map((round) => own[round]!)),
      over224: spreadOf(used.map((round) => own[round]! / reference[round]!)).median,
      logitDifference: Math.max(...off),
    };
  });
  return { rows, others };
}

interface MemoryRow {
  readonly way: string;
  /** The most resident memory of a process that classifies one picture file, without the decoded picture. */
  readonly peakBytes: number;
  /** The same, from when the model was loaded on. */
  readonly peakAfterLoadingBytes: number;
}

/** In a process of its own. */
function measureMemory(size: number, way: string, source: string, file: string): MemoryRow {
  const args = [fileURLToPath(import.meta.url), "--memory", `${size},${source},${file}`, "--threads", String(threads)];
  const { stdout, status, stderr } = spawnSync(process.execPath, [...process.execArgv, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${way} at ${size}: ${stderr}`);
  const [peak, afterLoading] = JSON.parse(stdout) as [number, number];
  const decoded = 3 * size * size;
  return { way, peakBytes: peak - decoded, peakAfterLoadingBytes: afterLoading - decoded };
}

async function classifyOnce(size: number, source: string, file: string): Promise<void> {
  const options = { device: "cpu", threads, transform: `resize(${size},${size})|normalize(imagenet)` } as const;
  await using classifier = await loadClassifier(nodeHost, source, options);
  const loading = peakMemory();
  writeFileSync("/proc/self/clear_refs", "5"); // Linux: the high-water mark begins anew
  await classifier.classify(file);
  const after = peakMemory();
  process.stdout.write(JSON.stringify([Math.max(loading, after), after]));
}

/** What was measured at one size. */
interface SizeResult {
  readonly size: number;
  /** What others took of the machine meanwhile: 0..1. */
  readonly others: number | undefined;
  readonly times: readonly TimeRow[];
  readonly memory: readonly MemoryRow[];
}

async function measureSize(model: NativeModel, size: number, folder: string): Promise<SizeResult> {
  const { rows, others } = await measureTimes(model, size, Number(flags.rounds));
  const file = join(folder, `${size}.jpg`);
  const raw = { width: size, height: size, channels: 3 } as const;
  await sharp(picture(size), { raw }).jpeg().toFile(file);
  const { onlyWhereSampled } = pixelForm(model.definition, { height: size, width: size }, NORMALIZATION);
  const memory = [
    measureMemory(
      size,
      `the model, ${onlyWhereSampled ? "where sampled" : "whole picture"}`,
      join(folder, "model"),
      file,
    ),
    measureMemory(size, "an ONNX file, whole picture", join(folder, "whole.onnx"), file),
  ];
  return { size, others, times: rows, memory };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "saccade-large-"));
  try {
    const model = sparseformerT();
    await writeModelFolder(nodeHost.files, join(folder, "model"), model);
    const form: InferenceForm = { onlyWhereSampled: false, pixels: NORMALIZATION };
    const whole = exportOnnx(model, { target: "onnxruntime", outputs: ["logits"], form });
    writeFileSync(join(folder, "whole.onnx"), whole);
    for (const size of sizes) {
      const result = await measureSize(model, size, folder);
      print(result);
      if (flags.out !== undefined) record(flags.out, result);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Into a file that may have other sizes already. */
function record(path: string, result: SizeResult): void {
  const earlier: SizeResult[] = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).sizes : [];
  const results = [...earlier.filter(({ size }) => size !== result.size), result].sort((a, b) => a.size - b.size);
  const { processor, cores, simd, memoryBytes } = describeMachine();
  const report = {
    model: "sparseformer_v1_tiny",
    machine: { processor, cores, simd, memoryBytes, node: process.version },
    threads,
    date: new Date().toISOString().slice(0, 10),
    sizes: results,
  };
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
}

function print({ size, others, times, memory }: SizeResult): void {
  console.log(
    `${size} px, others took ${others === undefined ? "an unknown share" : `${Math.round(100 * others)} %`} of the machine`,
  );
  for (const { way, ms, lowestMs, over224, logitDifference } of times)
    console.log(
      `  ${way.padEnd(28)} ${ms.toFixed(1)} ms, at least ${lowestMs.toFixed(1)}, ${over224.toFixed(2)} times 224 px, logits ${logitDifference.toExponential(1)} off`,
    );
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  for (const { way, peakBytes, peakAfterLoadingBytes } of memory)
    console.log(`  ${way.padEnd(28)} ${megabytes(peakBytes)}, after loading ${megabytes(peakAfterLoadingBytes)}`);
}

if (flags.memory === undefined) await main();
else {
  const [size, source, file] = flags.memory.split(",") as [string, string, string];
  await classifyOnce(Number(size), source, file);
}
