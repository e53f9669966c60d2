// What families share that huggingface/transformers has too: its configuration and parameter names become ours. Each family's are beside it,
// in transformers.ts.
import { z } from "zod";
import { FormatError } from "../errors.ts";
import { arrayFromBytes, bytesOf, type TensorData } from "../tensor.ts";
import type { NamedTensors } from "../weights/remap.ts";

/** How one `model_type` of transformers is read. */
export interface TransformersFamily {
  /** As its config.json says. */
  readonly modelType: string;
  /** Our architecture. */
  readonly architecture: string;
  /** Classes of models that classify; `architectures` of config.json names one. */
  readonly classifiers: readonly string[];
  /** The image processor that its models come with, by the beginning of its class's name. */
  readonly processor: string;
  /** The fields of config.json that our configuration has too. Throws z.ZodError for what our architecture does not compute. */
  toConfig(json: unknown, classifier: string): Readonly<Record<string, unknown>>;
  /** Its parameter names -> timm's. */
  adoptNames(tensors: NamedTensors): NamedTensors;
}

/** Fields that many families have, each with what our architectures do. */
export const transformersFields = {
  num_channels: z.literal(3, "pictures must have three channels").default(3),
  gelu: z.literal("gelu", 'only "gelu" is computed here').default("gelu"),
  relu: z.literal("relu", 'only "relu" is computed here').default("relu"),
  /** A square's side, or (height, width). */
  image_size: z.union([z.int(), z.tuple([z.int(), z.int()])]),
  /** A square's side. */
  patch_size: z
    .union([z.int(), z.tuple([z.int(), z.int()])])
    .refine((size) => typeof size === "number" || size[0] === size[1], "patches must be squares")
    .transform((size) => (typeof size === "number" ? size : size[0])),
  sizes: z.array(z.int()),
} as const;

/** Renames every tensor; null leaves one out. */
export function renameTensors(tensors: NamedTensors, rename: (name: string) => string | null): NamedTensors {
  const renamed = new Map<string, TensorData>();
  for (const [name, value] of tensors) {
    const target = rename(name);
    if (target === null) continue;
    if (renamed.has(target)) throw new FormatError("checkpoint", `two tensors are meant to be ${target}`);
    renamed.set(target, value);
  }
  return renamed;
}

/** Three projections `PREFIX.query`, `.key` and `.value`, which timm keeps as one: `PREFIX.qkv`. */
export function joinProjections(tensors: NamedTensors): NamedTensors {
  const joined = new Map<string, TensorData>();
  for (const [name, value] of tensors) {
    const [, prefix, part, kind] = /^(.*\.)(query|key|value)\.(weight|bias)$/.exec(name) ?? [];
    const parts = ["query", "key", "value"].flatMap((each) => tensors.get(`${prefix}${each}.${kind}`) ?? []);
    // Where one of the three is missing the others keep their names, and are reported.
    if (part === undefined || parts.length < 3) joined.set(name, value);
    else if (part === "query") joined.set(`${prefix}qkv.${kind}`, joinRows(name, parts));
  }
  return joined;
}

/** (rows, …) of several tensors below each other. */
function joinRows(name: string, parts: readonly TensorData[]): TensorData {
  const [{ dtype, shape }] = parts as [TensorData];
  const [, ...rest] = shape;
  const fits = (part: TensorData) =>
    part.dtype === dtype && part.shape.length > 0 && part.shape.slice(1).join() === rest.join();
  if (!parts.every(fits))
    throw new FormatError("checkpoint", `${name}, its key and its value are not of one kind and width`);
  const bytes = new Uint8Array(parts.reduce((sum, { data }) => sum + data.byteLength, 0));
  let at = 0;
  for (const { data } of parts) {
    bytes.set(bytesOf(data), at);
    at += data.byteLength;
  }
  const rows = parts.reduce((sum, part) => sum + part.shape[0]!, 0);
  return { dtype, shape: [rows, ...rest], data: arrayFromBytes(dtype, bytes) };
}

/** The ratio that makes `inner` of `outer` when the product is rounded down, as perceptrons do. */
export function ratioOf(inner: number, outer: number): number {
  const ratio = inner / outer;
  return Math.trunc(outer * ratio) === inner ? ratio : ratio * (1 + Number.EPSILON);
}
