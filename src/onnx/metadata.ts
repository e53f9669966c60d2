// What travels inside an ONNX file beside the weights, so that a model never travels without its labels and its preprocessing: entries of
// the file's metadata, under keys of our own that no other program's entries collide with.
import { create, toBinary } from "@bufbuild/protobuf";
import { z } from "zod";
import { StringStringEntryProtoSchema } from "./onnx-pb.ts";
import { fieldHead, joinPieces, withoutFields } from "./tensors.ts";
import { readFields, reading, text } from "./wire.ts";

/** Everything is optional: files of other makers have none of it. */
export interface ModelMetadata {
  /** Class names, in the order of the logits. */
  readonly labels?: readonly string[] | undefined;
  /** The preprocessing as it is printed and parsed: "resize_small(256,bicubic)|central_crop(224)|normalize(imagenet)". */
  readonly transform?: string | undefined;
  /** SPDX name of the weights' licence. */
  readonly licence?: string | undefined;
  /** Where the weights come from, in words. */
  readonly provenance?: string | undefined;
  /** Name in the model registry. */
  readonly architecture?: string | undefined;
  /** The architecture's parameters, as in the model folder's config.json. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** What it says of a picture, and so which outputs it has: "classes", "embedding", "semantic", "detections", … (models/answers.ts). */
  readonly answers?: string | undefined;
  /** Of detections, a number as text: from which overlap on two boxes of a class are of one thing. */
  readonly suppression?: string | undefined;
  /** Of queries, numbers with commas between: the indexes of classes that are things. */
  readonly things?: string | undefined;
  /** "float32", or "int8" when linear layers multiply whole numbers. */
  readonly precision?: string | undefined;
  /** What the scores are (score-kind.ts), where the graph does not say. */
  readonly scores?: string | undefined;
  /** Of a text model: `vocab.json` and `merges.txt`, as they are beside its weights. */
  readonly vocab?: string | undefined;
  readonly merges?: string | undefined;
  /** Of a model whose embeddings are compared with texts': the text model that gives these. */
  readonly text_model?: string | undefined;
  /** By which score the output `unknown` says that a picture is none of the classes. */
  readonly unknown?: string | undefined;
  /** A probability, as text: answers that are less sure are called unknown. */
  readonly unknown_below?: string | undefined;
  /** JSON: which frames of a video it sees, as in the model folder's config.json. */
  readonly clip?: string | undefined;
  /** Version of the library that wrote the file. */
  readonly version?: string | undefined;
}

const TEXTS = [
  "transform",
  "licence",
  "provenance",
  "architecture",
  "answers",
  "suppression",
  "things",
  "precision",
  "scores",
  "vocab",
  "merges",
  "text_model",
  "unknown",
  "unknown_below",
  "clip",
  "version",
] as const;
const labelsSchema = z.array(z.string());
const configSchema = z.record(z.string(), z.unknown());

const key = (name: keyof ModelMetadata) => `saccade.${name}`;

/** Metadata as the entries of an ONNX file. What is undefined is left out. */
export function writeMetadata(metadata: ModelMetadata): Record<string, string> {
  const entries: [string, string][] = [];
  for (const name of TEXTS) {
    const value = metadata[name];
    if (value !== undefined) entries.push([key(name), value]);
  }
  if (metadata.labels !== undefined) entries.push([key("labels"), JSON.stringify(metadata.labels)]);
  if (metadata.config !== undefined) entries.push([key("config"), JSON.stringify(metadata.config)]);
  return Object.fromEntries(entries);
}

const METADATA_PROPS = 14;

/** The file with metadata that takes the place of what it said of the same before. Everything else stays as it is. */
export function withMetadata(bytes: Uint8Array, metadata: ModelMetadata): Uint8Array {
  const entries = writeMetadata(metadata);
  return reading(() =>
    joinPieces([
      ...withoutFields(bytes, (field, content) => field === METADATA_PROPS && Object.hasOwn(entries, keyOf(content))),
      ...Object.entries(entries).flatMap(([key, value]) => {
        const entry = toBinary(StringStringEntryProtoSchema, create(StringStringEntryProtoSchema, { key, value }));
        return [fieldHead(METADATA_PROPS, entry.length), entry];
      }),
    ]),
  );
}

function keyOf(entry: Uint8Array): string {
  let key = "";
  readFields(entry, {
    1: text((name) => {
      key = name;
    }),
  });
  return key;
}

/** Metadata from the entries of any ONNX file. What is missing, or not what its key promises, is undefined. */
export function readMetadata(entries: Readonly<Record<string, string>>): ModelMetadata {
  const entry = (name: keyof ModelMetadata) => (Object.hasOwn(entries, key(name)) ? entries[key(name)] : undefined);
  return {
    ...Object.fromEntries(TEXTS.map((name) => [name, entry(name)])),
    labels: parsed(entry("labels"), labelsSchema),
    config: parsed(entry("config"), configSchema),
  };
}

function parsed<T>(text: string | undefined, schema: z.ZodType<T>): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
