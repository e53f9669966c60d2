// The part of ZIP that PyTorch files need: central directory, zip64, stored and deflated entries (APPNOTE.TXT 6.3.10).
// Strict, because a weights file is downloaded from anywhere: every size is compared with the file before anything is allocated, data
// of two entries may not overlap, names may not repeat, and an entry inflates to exactly what it declares.
import { inflateSync } from "fflate";
import { FormatError, LimitError } from "../errors.ts";
import { ByteReader, decodeUtf8, plainBytes } from "./byte-reader.ts";
import { crc32 } from "./crc32.ts";
import { quote } from "./quote.ts";

const FORMAT = "zip";
const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const ZIP64_END_RECORD = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const END_RECORD_BYTES = 22;
const CENTRAL_HEADER_BYTES = 46;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;
// Deflate cannot do better than 258 bytes for 2 bits; a larger ratio is a lie, and found before the memory is asked for.
const MAX_DEFLATE_RATIO = 1032;
// PyTorch stores; a checkpoint that somebody zipped again shrinks a little. This leaves room and still bounds a bomb.
const SPARE_INFLATED_BYTES = 2 ** 30;
const MAX_INFLATED_PER_BYTE = 4;

export interface ZipEntry {
  readonly name: string;
  /** Uncompressed size in bytes. */
  readonly size: number;
  readonly compressedSize: number;
  readonly method: number;
  /** The declared checksum; PyTorch writes 0 when told not to compute it. */
  readonly crc32: number;
  /** Where the entry's data starts in the file. */
  readonly dataStart: number;
}

export interface ZipArchive {
  /** In the order of the central directory. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** An entry's bytes: a view of the file when stored, inflated into fresh memory otherwise. Not cached. */
  read(entry: ZipEntry): Uint8Array;
}

interface Directory {
  count: number;
  start: number;
  size: number;
}

/**
 * Opens a zip file. Nothing is inflated until `read`.
 * @param options.maxInflatedBytes bound on all the bytes that `read` inflates together (1 GiB and four times the file unless told). Stored entries cost nothing.
 * @throws FormatError for a malformed archive; LimitError from `read` when the bound is met.
 */
export function openZip(bytes: Uint8Array, options: { maxInflatedBytes?: number } = {}): ZipArchive {
  const file = plainBytes(bytes);
  const directory = findDirectory(file);
  const entries = new Map<string, ZipEntry>();
  const reader = new ByteReader(file.subarray(0, directory.start + directory.size), FORMAT, directory.start);
  for (let i = 0; i < directory.count; i++) {
    const entry = readEntry(reader, file, directory.start);
    if (entries.has(entry.name)) throw new FormatError(FORMAT, `the entry ${quote(entry.name)} is there twice`);
    entries.set(entry.name, entry);
  }
  refuseOverlaps(entries.values());
  const limit = options.maxInflatedBytes ?? SPARE_INFLATED_BYTES + MAX_INFLATED_PER_BYTE * file.length;
  let inflated = 0;
  return {
    entries,
    read(entry) {
      const data = file.subarray(entry.dataStart, entry.dataStart + entry.compressedSize);
      if (entry.method === STORED) return checkSum(entry, data);
      inflated += entry.size;
      if (inflated > limit) throw new LimitError("inflated zip entries", inflated, limit, "bytes");
      return checkSum(entry, inflate(entry, data));
    },
  };
}

function findDirectory(file: Uint8Array): Directory {
  // The end record is last, behind it only a comment of at most 65535 bytes whose length it states.
  const earliest = Math.max(0, file.length - END_RECORD_BYTES - 0xffff);
  for (let at = file.length - END_RECORD_BYTES; at >= earliest; at--) {
    if (file[at] !== 0x50 || file[at + 1] !== 0x4b) continue;
    const reader = new ByteReader(file, FORMAT, at);
    if (reader.u32() !== END_RECORD) continue;
    const disks = reader.u32();
    const countHere = reader.u16();
    const count = reader.u16();
    const size = reader.u32();
    const start = reader.u32();
    if (reader.u16() !== reader.remaining) continue;
    const needsZip64 = count === 0xffff || size === 0xffffffff || start === 0xffffffff;
    const directory = (needsZip64 ? readZip64(file, at) : undefined) ?? { count, size, start };
    if ((disks !== 0 && disks !== 0xffffffff) || count !== countHere)
      throw new FormatError(FORMAT, "the archive is split over several files");
    if (directory.start + directory.size > at || directory.count * CENTRAL_HEADER_BYTES > directory.size)
      throw new FormatError(FORMAT, "the central directory is not where, or not as large as, the end record says");
    return directory;
  }
  throw new FormatError(FORMAT, "no central directory: the file is incomplete", {
    hint: "the download was cut off; download the file again",
  });
}

function readZip64(file: Uint8Array, endRecord: number): Directory | undefined {
  if (endRecord < 20) return undefined;
  const locator = new ByteReader(file, FORMAT, endRecord - 20);
  if (locator.u32() !== ZIP64_LOCATOR) return undefined;
  locator.u32();
  const at = locator.u64();
  if (at + 56 > endRecord - 20) throw new FormatError(FORMAT, "the zip64 end record lies outside the file");
  const reader = new ByteReader(file, FORMAT, at);
  if (reader.u32() !== ZIP64_END_RECORD)
    throw new FormatError(FORMAT, "there is no zip64 end record where one should be");
  reader.take(20);
  const countHere = reader.u64();
  const count = reader.u64();
  if (count !== countHere) throw new FormatError(FORMAT, "the archive is split over several files");
  return { count, size: reader.u64(), start: reader.u64() };
}

function readEntry(reader: ByteReader, file: Uint8Array, directoryStart: number): ZipEntry {
  if (reader.u32() !== CENTRAL_HEADER) throw new FormatError(FORMAT, "the central directory is malformed");
  reader.take(4);
  const flags = reader.u16();
  const method = reader.u16();
  reader.take(4);
  const checksum = reader.u32();
  const small = { compressedSize: reader.u32(), size: reader.u32() };
  const [nameLength, extraLength, commentLength] = [reader.u16(), reader.u16(), reader.u16()];
  reader.take(8);
  const smallOffset = reader.u32();
  const nameBytes = reader.take(nameLength);
  const name = decodeUtf8(nameBytes, FORMAT, "an entry's name");
  const extra = reader.take(extraLength);
  reader.take(commentLength);
  const { size, compressedSize, offset } = widen(extra, { ...small, offset: smallOffset }, name);
  if ((flags & ENCRYPTED) !== 0) throw new FormatError(FORMAT, `${quote(name)} is encrypted`);
  if (method !== STORED && method !== DEFLATED)
    throw new FormatError(FORMAT, `${quote(name)} is compressed by method ${method}; only stored and deflate are read`);
  const dataStart = findData(file, offset, name, nameBytes);
  if (dataStart + compressedSize > directoryStart)
    throw new FormatError(FORMAT, `${quote(name)} claims ${compressedSize} bytes, which run over the end of the data`);
  if (method === STORED ? size !== compressedSize : size > compressedSize * MAX_DEFLATE_RATIO)
    throw new FormatError(FORMAT, `${quote(name)} claims ${size} bytes out of ${compressedSize}, which cannot be`);
  return { name, size, compressedSize, method, crc32: checksum, dataStart };
}

type Sizes = { size: number; compressedSize: number; offset: number };

/** Takes the fields that did not fit 32 bits from the zip64 extra field, in which only those are present, in this order. */
function widen(extra: Uint8Array, small: Sizes, name: string): Sizes {
  const wide = { ...small };
  const missing = (["size", "compressedSize", "offset"] as const).filter((field) => small[field] === 0xffffffff);
  if (missing.length === 0) return wide;
  const reader = new ByteReader(extra, FORMAT);
  while (reader.remaining >= 4) {
    const id = reader.u16();
    const body = new ByteReader(reader.take(reader.u16()), FORMAT);
    if (id !== 1) continue;
    for (const field of missing) wide[field] = body.u64();
    return wide;
  }
  throw new FormatError(FORMAT, `${quote(name)} lacks its 64-bit sizes`);
}

/** The data follows the local header, whose own extra field may be longer than the central one (PyTorch pads there to align storages). */
function findData(file: Uint8Array, offset: number, name: string, nameBytes: Uint8Array): number {
  if (offset > file.length) throw new FormatError(FORMAT, `${quote(name)} lies outside the file`);
  const reader = new ByteReader(file, FORMAT, offset);
  if (reader.u32() !== LOCAL_HEADER)
    throw new FormatError(FORMAT, `${quote(name)} has no local header where one should be`);
  reader.take(22);
  const nameLength = reader.u16();
  const extraLength = reader.u16();
  const localName = reader.take(nameLength);
  if (nameLength !== nameBytes.length || !localName.every((byte, i) => byte === nameBytes[i]))
    throw new FormatError(FORMAT, `${quote(name)} has another name in its local header`);
  reader.take(extraLength);
  return reader.position;
}

/** Entries that share bytes are how a small file inflates to petabytes. */
function refuseOverlaps(entries: Iterable<ZipEntry>): void {
  const sorted = [...entries].filter((entry) => entry.compressedSize > 0).sort((a, b) => a.dataStart - b.dataStart);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!;
    if (before.dataStart + before.compressedSize > sorted[i]!.dataStart)
      throw new FormatError(FORMAT, `${quote(before.name)} and ${quote(sorted[i]!.name)} overlap`);
  }
}

function inflate(entry: ZipEntry, data: Uint8Array): Uint8Array {
  let out: Uint8Array;
  try {
    // fflate drops what does not fit `out`, so one spare byte tells "exactly" from "more", and memory stays what was declared.
    out = inflateSync(data, { out: new Uint8Array(entry.size + 1) });
  } catch (cause) {
    throw new FormatError(FORMAT, `${quote(entry.name)} does not inflate`, { cause });
  }
  if (out.length !== entry.size)
    throw new FormatError(FORMAT, `${quote(entry.name)} declares ${entry.size} bytes but inflates to another size`);
  return out;
}

function checkSum(entry: ZipEntry, data: Uint8Array): Uint8Array {
  if (entry.crc32 !== 0 && crc32(data) !== entry.crc32)
    throw new FormatError(FORMAT, `${quote(entry.name)} is damaged: its checksum does not match`, {
      hint: "download the file again",
    });
  return data;
}
