import { deflateRawSync, crc32 as nodeCrc32 } from "node:zlib";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { FormatError, LimitError } from "../errors.ts";
import { crc32 } from "./crc32.ts";
import { openZip } from "./zip.ts";

interface Entry {
  name: string;
  data: Uint8Array;
  method?: number;
  flags?: number;
  crc?: number;
  /** Lies for the central directory. */
  size?: number;
  compressedSize?: number;
  offset?: number;
  localName?: string;
  centralExtra?: Uint8Array;
  localExtra?: Uint8Array;
  /** A data descriptor behind the data, as streaming writers add. */
  descriptor?: boolean;
}

const number = (bytes: number, value: number | bigint) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out.subarray(0, bytes);
};

/** Writes a zip field by field, so that every field can lie. */
function zip(
  entries: Entry[],
  end: { count?: number; size?: number; start?: number; zip64?: boolean } = {},
): Uint8Array {
  const out: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const { name, data, method = 0, flags = 0, localName = name } = entry;
    const stored = method === 8 ? deflateRawSync(data) : data;
    const crc = entry.crc ?? crc32(data);
    const descriptor = entry.descriptor === true;
    const sizes = [number(4, crc), number(4, stored.length), number(4, data.length)];
    const extra = entry.localExtra ?? new Uint8Array(0);
    const local = Buffer.concat([
      ...[
        number(4, 0x04034b50),
        number(2, 20),
        number(2, flags | (descriptor ? 8 : 0)),
        number(2, method),
        number(4, 0),
      ],
      ...(descriptor ? [number(8, 0), number(4, 0)] : sizes),
      ...[number(2, Buffer.byteLength(localName)), number(2, extra.length), Buffer.from(localName), extra, stored],
      ...(descriptor ? [number(4, 0x08074b50), ...sizes] : []),
    ]);
    const centralExtra = entry.centralExtra ?? new Uint8Array(0);
    central.push(
      Buffer.concat([
        ...[
          number(4, 0x02014b50),
          number(4, 20),
          number(2, flags | (descriptor ? 8 : 0)),
          number(2, method),
          number(4, 0),
        ],
        ...[number(4, crc), number(4, entry.compressedSize ?? stored.length), number(4, entry.size ?? data.length)],
        ...[number(2, Buffer.byteLength(name)), number(2, centralExtra.length), number(2, 0), number(8, 0)],
        ...[number(4, entry.offset ?? at), Buffer.from(name), centralExtra],
      ]),
    );
    out.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const count = end.count ?? entries.length;
  const zip64 = Buffer.concat([
    ...[number(4, 0x06064b50), number(8, 44), number(4, 0), number(8, 0), number(8, count), number(8, count)],
    ...[number(8, directory.length), number(8, end.start ?? at)],
    ...[number(4, 0x07064b50), number(4, 0), number(8, at + directory.length), number(4, 1)],
  ]);
  const wide = end.zip64 === true;
  const record = Buffer.concat([
    ...[number(4, 0x06054b50), number(4, 0), number(2, wide ? 0xffff : count), number(2, wide ? 0xffff : count)],
    ...[
      number(4, wide ? 0xffffffff : (end.size ?? directory.length)),
      number(4, wide ? 0xffffffff : (end.start ?? at)),
    ],
    number(2, 0),
  ]);
  return new Uint8Array(Buffer.concat([...out, directory, ...(wide ? [zip64] : []), record]));
}

const text = (value: string) => new TextEncoder().encode(value);
const readAll = (bytes: Uint8Array, options = {}) => {
  const archive = openZip(bytes, options);
  return new Map(
    [...archive.entries].map(([name, entry]) => [name, Buffer.from(archive.read(entry)).toString("latin1")]),
  );
};
const a: Entry = { name: "a", data: text("hello hello hello hello") };
const c: Entry = { name: "b/c", data: text("world") };

test("crc32 is zlib's", () => {
  for (const length of [0, 1, 3, 4, 5, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37) & 255);
    expect(crc32(bytes)).toBe(nodeCrc32(bytes));
  }
});

describe("reads", () => {
  const expected = new Map([
    ["a", "hello hello hello hello"],
    ["b/c", "world"],
  ]);
  test("stored and deflated entries", () => {
    expect(readAll(zip([a, c]))).toEqual(expected);
    expect(readAll(zip([{ ...a, method: 8 }, c]))).toEqual(expected);
    expect(readAll(zipSync({ a: a.data, "b/c": c.data }))).toEqual(expected);
  });
  test("data descriptors, local padding, zip64", () => {
    expect(
      readAll(
        zip([
          { ...a, method: 8, descriptor: true },
          { ...c, descriptor: true },
        ]),
      ),
    ).toEqual(expected);
    expect(readAll(zip([{ ...a, localExtra: new Uint8Array(60) }, c]))).toEqual(expected);
    expect(readAll(zip([a, c], { zip64: true }))).toEqual(expected);
    const wide = Buffer.concat([number(2, 0x9999), number(2, 1), number(1, 0), number(2, 1), number(2, 24)]);
    const extra = Buffer.concat([wide, number(8, 23), number(8, 23), number(8, 0)]);
    const lifted = { size: 0xffffffff, compressedSize: 0xffffffff, offset: 0xffffffff, centralExtra: extra };
    expect(readAll(zip([{ ...a, ...lifted }, c]))).toEqual(expected);
  });
  test("no entries, and a checksum that was not computed", () => {
    expect(readAll(zip([])).size).toBe(0);
    expect(readAll(zip([{ ...a, crc: 0 }, c]))).toEqual(expected);
  });
  test("stored entries are views", () => {
    const bytes = zip([a]);
    const archive = openZip(bytes);
    expect(archive.read(archive.entries.get("a")!).buffer).toBe(bytes.buffer);
  });
});

describe("refuses", () => {
  const zeros = new Uint8Array(1_000_000);
  test.each<[string, Uint8Array, RegExp]>([
    ["a name twice", zip([a, a]), /twice/],
    ["an encrypted entry", zip([{ ...a, flags: 1 }]), /encrypted/],
    ["another method", zip([{ ...a, method: 12 }]), /method 12/],
    ["a stored entry of two sizes", zip([{ ...a, size: 22 }]), /cannot be/],
    ["a size beyond the file", zip([{ ...a, size: 1e9, compressedSize: 1e9 }]), /run over/],
    ["a ratio beyond deflate's", zip([{ ...a, method: 8, size: 4e9 }]), /cannot be/],
    ["an entry that inflates to more", zip([{ name: "z", data: zeros, method: 8, size: 999_999 }]), /another size/],
    ["an entry that inflates to less", zip([{ name: "z", data: zeros, method: 8, size: 1_000_001 }]), /another size/],
    ["an entry that does not inflate", zip([{ ...a, compressedSize: 4, method: 8 }]), /inflate/],
    ["another name in the local header", zip([{ ...a, localName: "x" }]), /another name/],
    ["a local header that is not there", zip([{ ...a, offset: 3 }]), /no local header/],
    ["a local header outside", zip([{ ...a, offset: 1e6 }]), /outside/],
    ["a damaged entry", zip([{ ...a, crc: 1 }]), /checksum/],
    ["too large a count", zip([a], { count: 2 }), /central directory/],
    ["a directory outside", zip([a], { start: 1e6 }), /central directory/],
    ["64-bit sizes that are missing", zip([{ ...a, size: 0xffffffff }]), /64-bit/],
    ["a zip64 directory outside", zip([a], { zip64: true, start: 1e15 }), /central directory/],
    ["nothing", new Uint8Array(0), /no central directory/],
  ])("%s", (_, bytes, message) => {
    expect(() => readAll(bytes)).toThrow(FormatError);
    expect(() => readAll(bytes)).toThrow(message);
  });

  test("entries that share their data", () => {
    const inner = zip([c]);
    // The outer entry stores a whole zip file, and a second one points into it.
    const bytes = zip([
      { name: "outer", data: inner },
      { ...c, offset: 30 + "outer".length },
    ]);
    expect(() => openZip(bytes)).toThrow(/overlap/);
  });

  test("a bomb: the sum of what is inflated is bounded", () => {
    const bytes = zip([
      { name: "x", data: zeros, method: 8 },
      { name: "y", data: zeros, method: 8 },
    ]);
    expect(() => readAll(bytes, { maxInflatedBytes: 1_500_000 })).toThrow(LimitError);
    expect(readAll(bytes, { maxInflatedBytes: 2_000_000 }).size).toBe(2);
  });

  test("every truncation", () => {
    const bytes = zip([{ ...a, method: 8 }, c], { zip64: true });
    for (let length = 0; length < bytes.length; length++)
      expect(() => readAll(bytes.subarray(0, length))).toThrow(FormatError);
  });
});
