// Whether WebGPU computes here what WebAssembly does. Drivers and browsers have their own errors, and a wrong answer looks like any other; so a
// model's first load on an adapter runs once on both. The times of both are taken too, because a small model may well be faster without the card.

import type { ValueInfo } from "../../runtime/session.ts";
import { allocate, type DType, numberToHalf, type TensorData, toFloat64 } from "../../tensor.ts";
import type { LoadedEngine } from "../engine/loaded-engine.ts";
import type { NamedTensor } from "../engine/protocol.ts";

/** How the two compare on one input. */
export interface Comparison {
  /** Largest difference over the largest value of any output, infinite where one has no number and the other has. */
  readonly difference: number;
  readonly webgpuMs: number;
  readonly wasmMs: number;
}

/** More than rounding ever comes to, in half precision too. */
export const TOLERANCE = 0.01;

/** Sizes that a model leaves free: of pictures as usual, of everything else one. */
const PICTURE_SIZE = 224;

const TIMED_RUNS = 3;

/** undefined when the model does not take what was made up for it. */
export async function compareEngines(webgpu: LoadedEngine, wasm: LoadedEngine): Promise<Comparison | undefined> {
  const feeds = wasm.inputs.map(madeUp);
  const outputs = wasm.outputs.map(({ name }) => name);
  const expected = await wasm.run(feeds, outputs).catch(() => undefined);
  if (expected === undefined) return undefined;
  const actual = await webgpu.run(feeds, outputs); // compiles its shaders too
  const difference = Math.max(...expected.map((value, i) => relativeDifference(actual[i]!, value)));
  return {
    difference,
    webgpuMs: await timeOf(() => webgpu.run(feeds, outputs)),
    wasmMs: await timeOf(() => wasm.run(feeds, outputs)),
  };
}

/** An input that looks like a picture where that makes sense: waves, and zeros for whole numbers. */
export function madeUp({ name, dtype, shape }: ValueInfo): NamedTensor {
  const sizes = shape.map((size, axis) =>
    typeof size === "number" ? size : shape.length === 4 && axis >= 1 && isExtent(size, axis) ? PICTURE_SIZE : 1,
  );
  const data = allocate(
    dtype,
    sizes.reduce((product, size) => product * size, 1),
  );
  const wave = waveOf(dtype);
  if (wave !== undefined) for (let i = 0; i < data.length; i++) (data as Float32Array)[i] = wave(i);
  return { name, dtype, shape: sizes, data };
}

/** Free sizes of a picture are the last two, or the middle two where channels come last. */
const isExtent = (size: string, axis: number): boolean => axis >= 2 || /^(h|height|y)$/i.test(size);

function waveOf(dtype: DType): ((i: number) => number) | undefined {
  const wave = (i: number) => Math.sin(i * 0.37) + 0.5 * Math.sin(i * 0.0113);
  if (dtype === "float32" || dtype === "float64") return wave;
  if (dtype === "float16") return (i) => numberToHalf(wave(i));
  return dtype === "uint8" ? (i) => Math.round(127 + 80 * wave(i)) : undefined;
}

function relativeDifference(actual: NamedTensor, expected: NamedTensor): number {
  const [a, e] = [toFloat64(actual as TensorData), toFloat64(expected as TensorData)];
  if (a.length !== e.length) return Number.POSITIVE_INFINITY;
  let [worst, largest] = [0, 0];
  for (let i = 0; i < e.length; i++) {
    if (Number.isNaN(a[i]!) !== Number.isNaN(e[i]!)) return Number.POSITIVE_INFINITY;
    if (Number.isNaN(e[i]!) || a[i] === e[i]) continue;
    worst = Math.max(worst, Math.abs(a[i]! - e[i]!));
    largest = Math.max(largest, Math.abs(e[i]!));
  }
  return worst === 0 ? 0 : worst / largest;
}

/** The shortest of a few runs, milliseconds. */
async function timeOf(run: () => Promise<unknown>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMED_RUNS; i++) {
    const begin = performance.now();
    await run();
    shortest = Math.min(shortest, performance.now() - begin);
  }
  return shortest;
}
