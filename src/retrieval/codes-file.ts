// Codes of a part, kept in a file beside it, so that a search need not read all vectors to begin. They are made of the part and nothing else: what is
// missing, damaged or of another part is made anew. A file is a header as JSON behind its length, the numbers, and the SHA-256 of all that.

import { z } from "zod";
import { joinBytes } from "../byte-sources.ts";
import type { VectorRange } from "../embeddings/embedding-table.ts";
import { SaccadeError } from "../errors.ts";
import { bytesOf } from "../tensor.ts";
import type { Codes } from "./codes.ts";
import { codesName, type IndexPart } from "./manifest.ts";
import type { IndexHost } from "./parts.ts";

/** Codes with the places of their vectors in the part: all that a search needs of a part before it knows what it looks for. */
export interface KeptCodes {
  readonly codes: Codes;
  readonly ranges: readonly VectorRange[];
}

/** Another one for whatever changes codes or this layout. */
const VERSION = 1;
const LENGTH_BYTES = 4;
const DIGEST_BYTES = 64;
const MAX_HEADER_BYTES = 2 ** 20;
/** Of the end of a part, which says where its columns are and holds the digests of its last pictures. */
const TAIL_BYTES = 2 ** 16;

const count = z
  .int()
  .min(0)
  .max(2 ** 40);

const headerSchema = z.strictObject({
  version: z.literal(VERSION),
  rows: count,
  width: count,
  /** SHA-256 of the part's end. */
  part: z.string(),
  ranges: z.array(z.strictObject({ start: count, rows: count, offset: count })),
});

/** The codes of a part as they are kept. undefined: there are none, or none that go with it. */
export async function readCodes(
  host: IndexHost,
  folder: string,
  part: IndexPart,
  width: number,
): Promise<KeptCodes | undefined> {
  const path = host.files.join(folder, codesName(part.file));
  const numbers = numberBytes(part.rows, width);
  try {
    if ((await host.files.stat(path)) === undefined) return undefined;
    const maxBytes = LENGTH_BYTES + MAX_HEADER_BYTES + numbers + DIGEST_BYTES;
    const bytes = await host.files.read(path, { maxBytes });
    const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
    const digest = new TextDecoder().decode(bytes.subarray(body.length));
    if (body.length < LENGTH_BYTES || digest !== (await host.sha256(body))) return undefined;
    const start = body.length - numbers;
    const header = readHeader(body, start);
    if (header?.rows !== part.rows || header.width !== width) return undefined;
    if (header.part !== (await identityOf(host, folder, part))) return undefined;
    return { codes: codesAt(body, start, part.rows, width), ranges: header.ranges };
  } catch (error) {
    if (error instanceof SaccadeError) return undefined;
    throw error;
  }
}

/** Keeps codes for the next search. Where nothing can be written there is nothing lost but time. */
export async function keepCodes(
  host: IndexHost,
  folder: string,
  part: IndexPart,
  { codes, ranges }: KeptCodes,
): Promise<void> {
  const { rows } = codes;
  const width = codes.codes.length / rows;
  const identity = await identityOf(host, folder, part);
  const text = JSON.stringify({ version: VERSION, rows, width, part: identity, ranges });
  const header = new TextEncoder().encode(text);
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, header.length, true);
  const body = joinBytes([length, header, bytesOf(codes.codes), bytesOf(codes.scales), bytesOf(codes.errors)]);
  const digest = new TextEncoder().encode(await host.sha256(body));
  try {
    await host.files.writeAtomic(host.files.join(folder, codesName(part.file)), joinBytes([body, digest]));
  } catch (error) {
    if (!(error instanceof SaccadeError)) throw error;
  }
}

/** Parts are written once, so their length and their end tell them from others of their name. */
async function identityOf(host: IndexHost, folder: string, { file, bytes }: IndexPart): Promise<string> {
  const start = Math.max(0, bytes - TAIL_BYTES);
  return host.sha256(await host.readRange(host.files.join(folder, file), start, bytes - start));
}

const numberBytes = (rows: number, width: number): number => rows * (width + 2 * Float32Array.BYTES_PER_ELEMENT);

/** @param end where the numbers begin */
function readHeader(body: Uint8Array, end: number): z.infer<typeof headerSchema> | undefined {
  const length = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  if (LENGTH_BYTES + length !== end) return undefined;
  const json: unknown = JSON.parse(new TextDecoder().decode(body.subarray(LENGTH_BYTES, end)));
  return headerSchema.safeParse(json).data;
}

function codesAt(body: Uint8Array, start: number, rows: number, width: number): Codes {
  const floats = (from: number) => new Float32Array(body.slice(from, from + rows * 4).buffer);
  const scales = start + rows * width;
  return {
    rows,
    codes: new Int8Array(body.buffer, body.byteOffset + start, rows * width),
    scales: floats(scales),
    errors: floats(scales + rows * 4),
  };
}
