// What eight bits save: processor time of a picture in float32 and in int8, one thread, native and in WebAssembly, at 224 and 1024 pixels, batch 1
// and 8. Processor time, because it says the same where others use the machine too; every way once a round, in turn.
//
//   npx tsx bench/eight-bits.ts [--model sparseformer_v1_tiny] [--rounds 9] [--out bench/results/eight-bits.json]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openSubject } from "../src/evaluate/bench/subjects.ts";
import { PRECISIONS, type Precision } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import type { NodeSession } from "../src/platform/node/session.ts";
import { spreadOf } from "../src/statistics.ts";
import { elementCount, type TensorData, tensor } from "../src/tensor.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string", default: "sparseformer_v1_tiny" },
    rounds: { type: "string", default: "9" },
    out: { type: "string" },
  },
});

/** The first of each device is what the others are compared with. */
const SETTINGS = [
  { device: "cpu", pixels: 224, batch: 1 },
  { device: "cpu", pixels: 224, batch: 8 },
  { device: "cpu", pixels: 1024, batch: 1 },
  { device: "wasm", pixels: 224, batch: 1 },
] as const;

interface Station {
  readonly device: "cpu" | "wasm";
  readonly pixels: number;
  readonly batch: number;
  readonly precision: Precision;
  readonly session: NodeSession;
  readonly image: TensorData;
  /** Milliseconds a picture, one a round. */
  readonly times: number[];
}

const subject = await openSubject(nodeHost, { source: flags.model }, 0);

async function open(setting: (typeof SETTINGS)[number], precision: Precision): Promise<Station> {
  const { device, pixels, batch } = setting;
  const compiled = subject.compile({ height: pixels, width: pixels }, precision, { target: "onnxruntime" });
  const session = await nodeHost.createSession(compiled.bytes, { device, threads: 1 });
  const shape = compiled.takesPixels === true ? [batch, pixels, pixels, 3] : [batch, 3, pixels, pixels];
  const wave = (i: number) => 128 + 90 * Math.sin(i / 37) + ((i * 7919) % 31);
  const numbers = { length: elementCount(shape) };
  const image =
    compiled.takesPixels === true
      ? tensor(
          "uint8",
          shape,
          Uint8Array.from(numbers, (_, i) => wave(i)),
        )
      : tensor(
          "float32",
          shape,
          Float32Array.from(numbers, (_, i) => wave(i) / 64 - 2),
        );
  const station = { ...setting, precision, session, image, times: [] };
  await measure(station); // compiles, and touches its memory
  station.times.length = 0;
  return station;
}

async function measure({ session, image, batch, times }: Station): Promise<void> {
  const feeds = { image: { ...image, data: image.data.slice() } as TensorData };
  const before = process.cpuUsage();
  await session.run(feeds, { outputs: ["logits"], transferInputs: true });
  const { user, system } = process.cpuUsage(before);
  times.push((user + system) / 1000 / batch);
}

const stations: Station[] = [];
for (const setting of SETTINGS) for (const precision of PRECISIONS) stations.push(await open(setting, precision));
for (let round = 0; round < Number(flags.rounds); round++) for (const station of stations) await measure(station);
await Promise.all(stations.map(({ session }) => session.dispose()));

const find = (device: string, pixels: number, batch: number, precision: Precision) =>
  stations.find(
    (one) => one.device === device && one.pixels === pixels && one.batch === batch && one.precision === precision,
  )!;
/** Of two stations, round by round. */
const ratio = (a: Station, b: Station) => spreadOf(a.times.map((time, round) => time / b.times[round]!)).median;
const rows = stations.map((station) => {
  const { device, pixels, batch, precision, session, times } = station;
  return {
    engine: session.engine,
    pixels,
    batch,
    precision,
    cpuMs: spreadOf(times),
    /** float32 over this. */
    gain: ratio(find(device, pixels, batch, "float32"), station),
    /** Times 224 pixels, batch 1. */
    overSmall: ratio(station, find(device, 224, 1, precision)),
  };
});
for (const { engine, pixels, batch, precision, cpuMs, gain, overSmall } of rows)
  console.log(
    `${engine.padEnd(24)} ${pixels} px, batch ${batch}, ${precision.padEnd(8)} ${cpuMs.median.toFixed(1).padStart(7)} ms, float32 over it ${gain.toFixed(2)}, over 224 px ${overSmall.toFixed(2)}`,
  );
if (flags.out !== undefined) {
  const { processor, cores, simd, memoryBytes } = describeMachine();
  const report = {
    model: flags.model,
    machine: { processor, cores, simd, memoryBytes, node: process.version },
    date: new Date().toISOString().slice(0, 10),
    rounds: Number(flags.rounds),
    rows,
  };
  writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
}
