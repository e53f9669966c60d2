// Which space a vector lies in: everything that decides its numbers. Vectors of two spaces have nothing to do with each other, however alike their
// lengths, so whoever compares or keeps vectors keeps this beside them.
import { UsageError } from "../../errors.ts";
import type { FeatureViews } from "../../image/views.ts";
import type { Precision } from "../../onnx/lower.ts";
import type { DigestHost } from "../../platform/host.ts";
import type { Pooling } from "./pooling.ts";

/** Plain data: it goes through JSON unchanged. */
export interface EmbeddingSpace {
  /** 16 hexadecimal digits of all that follows but `name`: equal exactly for vectors that may be compared. */
  readonly id: string;
  /** For people: the model as it was named when it was loaded. Not a part of `id`. */
  readonly name: string;
  /** 16 hexadecimal digits of what the model computes the layer with: architecture and weights, or the bytes of an ONNX file. */
  readonly model: string;
  /** The model's output or inner value that is read. */
  readonly layer: string;
  /** How one vector is made of maps and tokens; "none" where a layer gives one vector, or all of its values are taken. */
  readonly pooling: Pooling;
  /** Preprocessing, in the transform language. */
  readonly transform: string;
  /** Which views of a picture the vector is the mean of. */
  readonly views: FeatureViews;
  readonly precision: Precision;
  /** Whether every number became the square root of its size, with its sign. */
  readonly power: boolean;
  /** 16 hexadecimal digits of the projection that followed; null where there was none. */
  readonly projection: string | null;
  /** Whether vectors have unit length. */
  readonly normalize: boolean;
  /** Numbers in a vector. */
  readonly width: number;
}

/** What a space is made of, in the order in which differences are told. */
const PARTS = {
  model: "model",
  layer: "layer",
  pooling: "pooling",
  transform: "preprocessing",
  views: "views",
  precision: "precision",
  power: "power transform",
  projection: "projection",
  normalize: "unit length",
  width: "numbers in a vector",
} as const satisfies Record<Exclude<keyof EmbeddingSpace, "id" | "name">, string>;

type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

/** Digits of a digest that are kept: enough that no two of anybody's models share them by chance. */
export const DIGEST_DIGITS = 16;

/** The digest of a text, as short as spaces have it. */
export async function shortDigest(host: DigestHost, text: string): Promise<string> {
  return (await host.sha256(new TextEncoder().encode(text))).slice(0, DIGEST_DIGITS);
}

/** A space with its id. */
export async function identifySpace(host: DigestHost, parts: Omit<EmbeddingSpace, "id">): Promise<EmbeddingSpace> {
  const id = await shortDigest(host, JSON.stringify(PART_NAMES.map((part) => [part, parts[part]])));
  return { ...parts, id };
}

/**
 * Refuses to go on with vectors of two spaces.
 *
 * @param what for people: whose vectors `a` and `b` are
 * @throws UsageError that says what differs
 */
export function requireSameSpace(
  a: EmbeddingSpace,
  b: EmbeddingSpace,
  what: readonly [a: string, b: string] = ["these", "those"],
): void {
  if (a.id === b.id) return;
  const differing = PART_NAMES.filter((part) => a[part] !== b[part]);
  const said = (space: EmbeddingSpace, part: Part) =>
    part === "model" ? `${space.name} (${space.model})` : String(space[part] ?? "none");
  // Nothing that differs: one of them has an id that is not its own.
  const list = differing.map((part) => `${PARTS[part]}: ${said(a, part)} against ${said(b, part)}`).join("; ");
  throw new UsageError(
    `the features of ${what[0]} and of ${what[1]} cannot be compared${list === "" ? "" : ` (${list})`}`,
    "take one model with the same options for both",
    { differing },
  );
}
