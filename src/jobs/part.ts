// The answers of one shard: part-00017.parquet, written under a temporary name and renamed, then its marker part-00017.json with rows and hash. A shard
// is done exactly when its marker is there; whoever else has computed it meanwhile wrote the same.

import { type FileMetaData, parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { SchemaElement } from "hyparquet-writer";
import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { z } from "zod";
import { FormatError } from "../errors.ts";
import type { DigestHost } from "../platform/host.ts";
import { decodeText } from "../text-file.ts";
import type { PlannedRow } from "./manifest.ts";
import { type PlanFolder, planPaths, shardName } from "./plan.ts";
import { type PlanFiles, readIfThere } from "./plan-files.ts";
import { readProgress } from "./progress.ts";

/** "text" is also what JSON is written as; "floats" a list of float32. */
export type PartKind = "text" | "integer" | "float" | "boolean" | "floats";

/** A column that a task answers with. All may be empty: a row that failed has none of them. */
export interface PartColumn {
  readonly name: string;
  readonly kind: PartKind;
}

export type PartValue = string | number | boolean | Float32Array | null;

export interface RowFailure {
  readonly code: string;
  readonly message: string;
}

/** A row that is answered, or says why not. */
export interface PartRow extends Omit<PlannedRow, "address"> {
  readonly values: Readonly<Record<string, PartValue>>;
  readonly failure: RowFailure | undefined;
}

/** What parts of a plan have in common. */
export interface PartShape {
  readonly columns: readonly PartColumn[];
  /** Pairs of the files' metadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

const markerSchema = z.strictObject({
  /** The plan's hash. */
  plan: z.string(),
  shard: z.int().min(0),
  rows: z.int().min(0),
  /** Rows with an error. */
  failed: z.int().min(0),
  /** Of the part's file. */
  sha256: z.string(),
  bytes: z.int().min(0),
  /** How long computing took. */
  seconds: z.number(),
  worker: z.string(),
  computed_on: z.string(),
});
export type Marker = z.infer<typeof markerSchema>;

const MAX_MARKER_BYTES = 2 ** 20;

const REQUIRED = { repetition_type: "REQUIRED" } as const;
const OPTIONAL = { repetition_type: "OPTIONAL" } as const;
const TEXT = { type: "BYTE_ARRAY", converted_type: "UTF8" } as const;

const KEPT: readonly SchemaElement[] = [
  { name: "row", type: "INT64", ...REQUIRED },
  { name: "key", ...TEXT, ...REQUIRED },
  { name: "size", type: "INT64", ...REQUIRED },
  { name: "etag", ...TEXT, ...REQUIRED },
  { name: "error_code", ...TEXT, ...OPTIONAL },
  { name: "error", ...TEXT, ...OPTIONAL },
];

const ELEMENTS: { readonly [K in PartKind]: (name: string) => readonly SchemaElement[] } = {
  text: (name) => [{ name, ...TEXT, ...OPTIONAL }],
  integer: (name) => [{ name, type: "INT32", ...OPTIONAL }],
  float: (name) => [{ name, type: "FLOAT", ...OPTIONAL }],
  boolean: (name) => [{ name, type: "BOOLEAN", ...OPTIONAL }],
  floats: (name) => [
    { name, num_children: 1, ...REQUIRED, converted_type: "LIST", logical_type: { type: "LIST" } },
    { name: "list", num_children: 1, repetition_type: "REPEATED" },
    { name: "element", type: "FLOAT", ...REQUIRED },
  ],
};

/** The schema of parts, and of merged files. */
export function partSchema({ columns }: Pick<PartShape, "columns">): {
  readonly elements: readonly SchemaElement[];
  readonly topLevel: number;
} {
  const elements = [...KEPT, ...columns.flatMap(({ name, kind }) => ELEMENTS[kind](name))];
  return { elements, topLevel: KEPT.length + columns.length };
}

/** Rows as columns, in the schema's order. Their bytes depend on the rows alone. */
export function partColumns(rows: readonly PartRow[], { columns }: Pick<PartShape, "columns">): ColumnSource[] {
  const values = ({ name, kind }: PartColumn): ColumnSource => {
    if (kind !== "floats") return { name, data: rows.map((row) => row.values[name] ?? null), encoding: "PLAIN" };
    const lists = rows.map((row) => Array.from((row.values[name] as Float32Array | null | undefined) ?? []));
    return { name, data: lists, encoding: "PLAIN", codec: "UNCOMPRESSED" };
  };
  const kept: ColumnSource[] = [
    { name: "row", data: rows.map(({ row }) => BigInt(row)) },
    { name: "key", data: rows.map(({ key }) => key) },
    { name: "size", data: rows.map(({ size }) => BigInt(size)) },
    { name: "etag", data: rows.map(({ etag }) => etag) },
    { name: "error_code", data: rows.map(({ failure }) => failure?.code ?? null) },
    { name: "error", data: rows.map(({ failure }) => failure?.message ?? null) },
  ];
  return [...kept.map((column) => ({ ...column, encoding: "PLAIN" as const })), ...columns.map(values)].map(
    (column) => ({ ...column, statistics: false, offsetIndex: false }),
  );
}

export function encodePart(rows: readonly PartRow[], shape: PartShape): Uint8Array {
  const { elements, topLevel } = partSchema(shape);
  const buffer = parquetWriteBuffer({
    columnData: partColumns(rows, shape),
    schema: [{ name: "root", num_children: topLevel }, ...elements],
    rowGroupSize: Math.max(rows.length, 1),
    pageSize: 2 ** 31,
    createdBy: "saccade",
    kvMetadata: Object.entries(shape.metadata).map(([key, value]) => ({ key, value })),
  });
  return new Uint8Array(buffer);
}

/** @param path of the file, for errors */
export async function decodePart(bytes: Uint8Array, { columns }: PartShape, path: string): Promise<PartRow[]> {
  const file = bytes.slice().buffer;
  const rows = await parquetReadObjects({ file, compressors }).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  return rows.map(({ row, key, size, etag, error_code: code, error, ...rest }) => ({
    row: Number(row),
    key: String(key),
    size: Number(size),
    etag: String(etag),
    failure: typeof code === "string" ? { code, message: String(error) } : undefined,
    values: Object.fromEntries(columns.map(({ name, kind }) => [name, valueAs(rest[name], kind)])),
  }));
}

const unreadable = (path: string, cause: unknown): FormatError =>
  new FormatError("part", `${path} cannot be read`, { hint: "saccade jobs verify PLAN --repair", cause });

function valueAs(value: unknown, kind: PartKind): PartValue {
  if (kind === "floats") return Array.isArray(value) && value.length > 0 ? Float32Array.from(value as number[]) : null;
  if (value === undefined || value === null) return null;
  return kind === "boolean" ? Boolean(value) : kind === "text" ? String(value) : Number(value);
}

/** What the parts of a plan hold, as the first of them says; nothing but the rows where there is none. */
export async function partShapeOf(opened: PlanFolder): Promise<PartShape> {
  const { files } = opened;
  const { done } = await readProgress(opened);
  const first = [...done].toSorted((a, b) => a - b)[0];
  if (first === undefined) return { columns: [], metadata: {} };
  const path = partPath(files, opened.folder, first);
  const metadata = metadataOf(await files.read(path), path);
  const known = new Set(KEPT.map(({ name }) => name));
  const columns = parquetSchema(metadata).children.flatMap(({ element }): PartColumn[] =>
    known.has(element.name) ? [] : [{ name: element.name, kind: kindOf(element) }],
  );
  const pairs = (metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ""] as const);
  return { columns, metadata: Object.fromEntries(pairs) };
}

function metadataOf(bytes: Uint8Array, path: string): FileMetaData {
  try {
    return parquetMetadata(bytes.slice().buffer);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function kindOf({ type, num_children }: SchemaElement): PartKind {
  if (num_children !== undefined) return "floats";
  if (type === "BYTE_ARRAY") return "text";
  if (type === "BOOLEAN") return "boolean";
  return type === "FLOAT" ? "float" : "integer";
}

export function partPath(files: PlanFiles, folder: string, shard: number): string {
  return files.join(folder, planPaths.parts, `part-${shardName(shard)}.parquet`);
}

export function markerPath(files: PlanFiles, folder: string, shard: number): string {
  return files.join(folder, planPaths.parts, `part-${shardName(shard)}.json`);
}

/** Writes a shard's answers, and then that it is done. Answers that are there already stay. */
export async function commitPart(
  host: DigestHost,
  { files, folder, plan }: PlanFolder,
  shard: number,
  rows: readonly PartRow[],
  shape: PartShape,
  facts: Pick<Marker, "seconds" | "worker" | "computed_on">,
): Promise<Marker> {
  const done = await readMarker(files, folder, shard);
  if (done?.plan === plan.hash) return done;
  const bytes = encodePart(rows, shape);
  const path = partPath(files, folder, shard);
  await files.writeAtomic(path, bytes);
  const failed = rows.filter(({ failure }) => failure !== undefined).length;
  const marker = (content: Uint8Array, sha256: string): Marker => ({
    ...{ plan: plan.hash, shard, rows: rows.length, failed, sha256, bytes: content.length, ...facts },
  });
  const mine = marker(bytes, await host.sha256(bytes));
  await writeMarker(files, folder, mine);
  // Whoever computed the same shard on another kind of machine may have put a file there whose last digits differ. The marker is of what is there.
  const there = await files.read(path);
  const sha256 = await host.sha256(there);
  if (sha256 === mine.sha256) return mine;
  const theirs = marker(there, sha256);
  await writeMarker(files, folder, theirs);
  return theirs;
}

const writeMarker = (files: PlanFiles, folder: string, marker: Marker): Promise<void> =>
  files.writeAtomic(markerPath(files, folder, marker.shard), `${JSON.stringify(marker)}\n`);

/** undefined for a shard that is not done, and for a marker that cannot be read. */
export async function readMarker(files: PlanFiles, folder: string, shard: number): Promise<Marker | undefined> {
  const path = markerPath(files, folder, shard);
  const bytes = await readIfThere(files, path, { maxBytes: MAX_MARKER_BYTES });
  if (bytes === undefined) return undefined;
  try {
    return markerSchema.parse(JSON.parse(decodeText(bytes, path)));
  } catch {
    return undefined;
  }
}
