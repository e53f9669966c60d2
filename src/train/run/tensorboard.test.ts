import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeFiles } from "../../platform/node/files.ts";
import { crc32c, maskedCrc32c } from "./crc32c.ts";
import { FaultyFiles, MemoryFiles } from "./memory-files.test-helper.ts";
import { EventWriter } from "./tensorboard.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-events-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A message as its fields: number -> values; bytes, numbers of 64 and 32 bits as floats, varints. */
type Fields = Map<number, (Uint8Array | number)[]>;

/** Protobuf's wire, read without the library that wrote it. */
function parseMessage(bytes: Uint8Array): Fields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fields: Fields = new Map();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag & 7;
    let value: Uint8Array | number;
    if (kind === 0) value = varint();
    else if (kind === 1) {
      value = view.getFloat64(at, true);
      at += 8;
    } else if (kind === 5) {
      value = view.getFloat32(at, true);
      at += 4;
    } else {
      expect(kind).toBe(2);
      const length = varint();
      value = bytes.subarray(at, at + length);
      expect(value.length).toBe(length);
      at += length;
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

const inner = (fields: Fields, number: number) => parseMessage(fields.get(number)![0] as Uint8Array);
const text = (fields: Fields, number: number) => new TextDecoder().decode(fields.get(number)![0] as Uint8Array);

/** The records of a file up to the first that is torn, as TensorBoard reads them. */
function readEvents(bytes: Uint8Array): { events: Fields[]; torn: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const events: Fields[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = at + 12 <= bytes.length ? Number(view.getBigUint64(at, true)) : Number.POSITIVE_INFINITY;
    if (at + 16 + length > bytes.length) return { events, torn: true };
    expect(view.getUint32(at + 8, true)).toBe(maskedCrc32c(bytes.slice(at, at + 8)));
    const data = bytes.slice(at + 12, at + 12 + length);
    expect(view.getUint32(at + 12 + length, true)).toBe(maskedCrc32c(data));
    events.push(parseMessage(data));
    at += 16 + length;
  }
  return { events, torn: false };
}

/** Scalars as "tag@step=value". */
function scalarsIn(events: readonly Fields[]): string[] {
  return events.flatMap((event) => {
    const summary = event.has(5) ? (inner(event, 5).get(1) as Uint8Array[]) : [];
    return summary.map((bytes) => {
      const value = parseMessage(bytes);
      return `${text(value, 1)}@${event.get(2)![0]}=${value.get(2)![0]}`;
    });
  });
}

test("CRC-32C of known vectors (RFC 3720, B.4) and its mask", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(ascending.toReversed())).toBe(0x113fdb5c);
  expect(crc32c(new Uint8Array(0))).toBe(0);
  // What the masked_crc32c of Python's tensorboard gives for the length of a version record.
  expect(maskedCrc32c(Uint8Array.of(24, 0, 0, 0, 0, 0, 0, 0))).toBe(0x224b7fa3);
});

test("a file on disk: its name, its version, scalars and a text", async () => {
  const events = new EventWriter(nodeFiles, folder, { host: "my host_1", now: () => 1_700_000_000_500 });
  await events.scalars({ "train/loss": 0.1, "train/accuracy": 1 }, 2 ** 40);
  await events.record({
    kind: "eval",
    step: 3,
    epoch: 1,
    top1: 0.5,
    gradient_norm: null,
    note: "not a number, so not a curve",
  });
  await events.text("recipe", "# Größe", 0);
  expect(readdirSync(folder)).toEqual([]); // nothing is due yet
  await events.flush();
  await events.flush();
  const name = "events.out.tfevents.1700000000.my-host-1";
  expect(readdirSync(folder)).toEqual([name]);
  const read = readEvents(readFileSync(join(folder, name)));
  expect(read.torn).toBe(false);
  expect(text(read.events[0]!, 3)).toBe("brain.Event:2");
  for (const event of read.events) expect(event.get(1)).toEqual([1_700_000_000.5]);
  expect(scalarsIn(read.events.slice(0, -1))).toEqual([
    `train/loss@${2 ** 40}=${Math.fround(0.1)}`,
    `train/accuracy@${2 ** 40}=1`,
    "eval/epoch@3=1",
    "eval/top1@3=0.5",
    "eval/gradient_norm@3=NaN",
  ]);
  const value = inner(inner(read.events.at(-1)!, 5), 1);
  expect(text(value, 1)).toBe("recipe");
  const tensor = inner(value, 8);
  expect(tensor.get(1)).toEqual([7]); // DT_STRING
  expect(text(tensor, 8)).toBe("# Größe");
  expect(inner(inner(tensor, 2), 2).get(1)).toEqual([1]);
  expect(text(inner(inner(value, 9), 1), 1)).toBe("text");
});

test("events are written when many are buffered or some wait for long", async () => {
  const files = new MemoryFiles();
  let now = 1e12;
  const events = new EventWriter(files, "", { now: () => now });
  await events.scalars({ a: 1 }, 1);
  expect(files.names("")).toEqual([]);
  now += 10_000;
  await events.scalars({ a: 2 }, 2);
  const [name] = files.names("");
  expect(readEvents(files.entries.get(`/${name}`)!).events.length).toBe(4); // version, start, two scalars
  const before = files.entries.get(`/${name}`)!.length;
  for (let step = 3; step < 1000; step++) await events.scalars({ a: step }, step);
  const written = files.entries.get(`/${name}`)!.length;
  expect(written - before).toBeGreaterThanOrEqual(16_384);
  await events.flush();
  expect(scalarsIn(readEvents(files.entries.get(`/${name}`)!).events).length).toBe(999);
});

test("a number beyond float32 is an infinity and not the end of the training", async () => {
  const files = new MemoryFiles();
  const events = new EventWriter(files, "");
  await events.scalars({ a: 1e300 }, 1);
  await events.flush();
  expect(scalarsIn(readEvents(files.entries.get(`/${files.names("")[0]}`)!).events)).toEqual(["a@1=Infinity"]);
});

test("a resumed run begins a later file and takes back what came after its checkpoint", async () => {
  const files = new MemoryFiles();
  const now = () => 1e12;
  const first = new EventWriter(files, "", { now });
  await first.scalars({ a: 1 }, 5);
  await first.flush();
  const second = new EventWriter(files, "", { now, resumedStep: 3 });
  await second.scalars({ a: 2 }, 4);
  await second.flush();
  const names = files.names("");
  const before = readEvents(files.entries.get(`/${names[0]}`)!).events;
  expect([before[1]!.get(2), inner(before[1]!, 7).get(1)]).toEqual([[0], [1]]);
  expect(names).toEqual(["events.out.tfevents.1000000000.localhost", "events.out.tfevents.1000000001.localhost"]);
  const { events } = readEvents(files.entries.get(`/${names[1]}`)!);
  expect(text(events[0]!, 3)).toBe("brain.Event:2");
  expect(events[1]!.get(2)).toEqual([4]);
  expect(inner(events[1]!, 7).get(1)).toEqual([1]);
  expect(scalarsIn(events)).toEqual(["a@4=2"]);
});

test("after a failed append nothing is lost, and nothing follows the torn record", async () => {
  for (let failAt = 1; failAt <= 6; failAt++) {
    const files = new MemoryFiles();
    const events = new EventWriter(new FaultyFiles(files, failAt, false), "", { now: () => 1e12 });
    let failures = 0;
    for (let step = 1; step <= 3; step++) {
      await events.scalars({ a: step }, step);
      await events.flush().catch(() => failures++);
    }
    await events.flush();
    expect(failures).toBe(failAt <= 5 ? 1 : 0); // stat, version, three appends
    const read = files.names("").map((name) => readEvents(files.entries.get(`/${name}`)!));
    expect(new Set(read.flatMap((file) => scalarsIn(file.events)))).toEqual(new Set(["a@1=1", "a@2=2", "a@3=3"]));
    expect(read.at(-1)!.torn).toBe(false);
  }
});
