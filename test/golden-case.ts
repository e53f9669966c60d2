// Golden cases: numbers made by the official PyTorch code (goldens' README). Weights and inputs are hashed from names, so that a model of
// 81 million parameters is checked with a small file. Cases that are not copied into test/goldens are read from ../shared/goldens.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { crc32 } from "../src/weights/crc32.ts";
import { readSafetensors } from "../src/weights/safetensors.ts";

const ROOTS = [resolve(import.meta.dirname, "goldens"), resolve(import.meta.dirname, "../../shared/goldens")];

/** Where a file of the goldens is, or undefined when this checkout does not have it. */
export function goldenPath(name: string): string | undefined {
  return ROOTS.map((root) => resolve(root, name)).find((path) => existsSync(path));
}

/**
 * The cases of a folder ("timm" gives "timm/resnet50", ...), so that one that is dropped there is tested without a word in any test.
 *
 * @param besides cases of the folder that are something else than the others, and have tests of their own
 */
export function goldenCases(folder: string, besides: readonly string[] = []): string[] {
  const listed = ROOTS.map((root) => resolve(root, folder)).filter((path) => existsSync(path));
  const cases = listed.flatMap((path) => readdirSync(path).filter((file) => file.endsWith(".json")));
  const names = new Set(cases.map((file) => file.replace(/\.json$/, "")));
  for (const name of besides) names.delete(name);
  return [...names].sort().map((name) => `${folder}/${name}`);
}

/** Whether a case is small enough for the fast suite: toys are called so. */
export const isToy = (name: string): boolean => /_(mini|toy)(_|$)/.test(name);

export interface HashedTensor {
  name: string;
  shape: number[];
  values?: number[];
  scale?: number;
  offset?: number;
}

export interface GoldenInput {
  kind: "hashed" | "waves" | "waves3d";
  name: string;
  shape: number[];
  scale: number;
  offset: number;
  amplitude: number;
  cycles: [number, number][];
}

export interface GoldenCase {
  readonly name: string;
  readonly config: Record<string, unknown>;
  readonly weights: Map<string, TensorData>;
  readonly image: TensorData<"float32">;
  readonly outputs: ReadonlyMap<string, TensorData>;
  readonly float32Error: number;
  /** Everything else in the JSON. */
  readonly json: Record<string, unknown>;
}

function mix32(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Element i is float32(offset + scale * (2u - 1)), u hashed from i, the name and the salt. */
export function hashedValues(name: string, count: number, scale: number, offset: number, salt: number): Float32Array {
  const start = (crc32(new TextEncoder().encode(name)) + salt) >>> 0;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = offset + scale * ((2 * mix32((i + start) >>> 0)) / 4294967296 - 1);
  return out;
}

export function hashedTensor(spec: HashedTensor, salt: number): TensorData {
  const { name, shape, values, scale = 0, offset = 0 } = spec;
  return tensor(
    "float32",
    shape,
    values === undefined ? hashedValues(name, elementCount(shape), scale, offset, salt) : Float32Array.from(values),
  );
}

export function makeInput(input: GoldenInput, salt: number): TensorData<"float32"> {
  const { shape } = input;
  if (input.kind === "hashed")
    return tensor("float32", shape, hashedValues(input.name, elementCount(shape), input.scale, input.offset, salt));
  const [n, c, t, h, w] = (shape.length === 5 ? shape : [shape[0], shape[1], 1, shape[2], shape[3]]) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const out = new Float32Array(elementCount(shape));
  let at = 0;
  for (let item = 0; item < n; item++)
    for (let channel = 0; channel < c; channel++) {
      const [fx, fy] = input.cycles[channel]!;
      for (let frame = 0; frame < t; frame++)
        for (let y = 0; y < h; y++)
          for (let x = 0; x < w; x++) {
            const turns = (fx * x) / w + (fy * y) / h + (shape.length === 5 ? (0.5 * frame) / t : 0);
            out[at++] = input.amplitude * Math.sin(2 * Math.PI * turns + 0.7 * channel + 0.9 * item);
          }
    }
  return tensor("float32", shape, out);
}

/** Reads a case such as "sparseformer/sparseformer_v1_mini_64x64"; undefined when this checkout does not have it. */
export function loadGolden(name: string): GoldenCase | undefined {
  const jsonPath = goldenPath(`${name}.json`);
  if (jsonPath === undefined) return undefined;
  const json = JSON.parse(readFileSync(jsonPath, "utf8"));
  const salt: number = json.salt ?? 0;
  const { tensors } = readSafetensors(readFileSync(goldenPath(`${name}.safetensors`)!));
  return {
    name,
    config: json.config,
    weights: new Map((json.tensors as HashedTensor[]).map((spec) => [spec.name, hashedTensor(spec, salt)])),
    image: json.input?.shape === undefined ? tensor("float32", [0], new Float32Array(0)) : makeInput(json.input, salt),
    outputs: tensors,
    float32Error: json.float32_error ?? 0,
    json,
  };
}

/** Largest absolute difference; infinite when shapes differ or a value is not a number. */
export function maxDifference(actual: TensorData | undefined, expected: TensorData): number {
  if (actual === undefined || actual.shape.join() !== expected.shape.join()) return Number.POSITIVE_INFINITY;
  const a = toFloat64(actual);
  const b = toFloat64(expected);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return worst;
}

/**
 * The goldens' tolerance: 1e-4 + 4 x float32_error on logits, 1e-4 on regions. float32_error is that of the logits; single tokens are not
 * averaged, so rounding does not cancel in their embeddings: the official float32 code is off by 4.6e-4 there, 13 times its logits.
 */
export function toleranceOf(golden: GoldenCase, output: string): number {
  if (/roi/.test(output)) return 1e-4;
  return 1e-4 + (output === "token_embedding" ? 20 : 4) * golden.float32Error;
}
