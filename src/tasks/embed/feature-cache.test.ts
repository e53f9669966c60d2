import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeHost } from "../../platform/node/host.ts";
import { openFeatureCache } from "./feature-cache.ts";
import { featureRecord, indexFeatures, readFeatures } from "./feature-file.ts";

const root = mkdtempSync(join(tmpdir(), "saccade-features-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
/** A host with a cache folder of its own. */
const freshHost = () => ({ ...nodeHost, folders: { cache: join(root, String(folders++)), bundledModels: root } });

const KIND = "0123456789abcdef";
const key = (name: string) => createHash("sha256").update(name).digest("hex");
const vector = (value: number) => Float32Array.of(value, value / 3, Number.MIN_VALUE, -0);
const open = (host: ReturnType<typeof freshHost>, more: Partial<Parameters<typeof openFeatureCache>[1]> = {}) =>
  openFeatureCache(host, { kind: KIND, width: 4, ...more });
const fileOf = (host: ReturnType<typeof freshHost>, kind = KIND) =>
  join(host.folders.cache, "features", `${kind}.features`);

test("what was put is there the next time, to the bit", async () => {
  const host = freshHost();
  const first = await open(host);
  expect(first.get(key("a"))).toBeUndefined();
  await first.put([
    [key("a"), vector(1)],
    [key("b"), vector(2)],
  ]);
  const second = await open(host);
  for (const cache of [first, second]) {
    expect(cache.get(key("a"))).toEqual(vector(1));
    expect(cache.get(key("b"))).toEqual(vector(2));
    expect(cache.get(key("c"))).toBeUndefined();
  }
});

test("what a caller does to a vector does not change what is kept", async () => {
  const cache = await open(freshHost());
  const given = vector(1);
  await cache.put([[key("a"), given]]);
  given.fill(9);
  cache.get(key("a"))!.fill(9);
  expect(cache.get(key("a"))).toEqual(vector(1));
});

test("several programs append to one file", async () => {
  const host = freshHost();
  const caches = await Promise.all([open(host), open(host), open(host)]);
  const names = Array.from({ length: 20 }, (_, i) => String(i));
  await Promise.all(
    caches.map(async (cache, at) => {
      for (const name of names) await cache.put([[key(`${at} ${name}`), vector(Number(name))]]);
    }),
  );
  const all = await open(host);
  for (const at of [0, 1, 2])
    for (const name of names) expect(all.get(key(`${at} ${name}`))).toEqual(vector(Number(name)));
});

test("a file that is cut or damaged anywhere never gives a wrong vector, and loses no more than what it struck", () => {
  const records = [1, 2, 3].map((n) => featureRecord(key(String(n)), vector(n)));
  const bytes = Uint8Array.from(records.flatMap((record) => [...record]));
  const found = (file: Uint8Array) => {
    const index = indexFeatures(file);
    return [1, 2, 3].flatMap((n) => {
      const at = index.get(key(String(n)));
      const values = at === undefined ? undefined : readFeatures(file, at);
      if (values !== undefined) expect(values).toEqual(vector(n));
      return values === undefined ? [] : [n];
    });
  };
  expect(found(bytes)).toEqual([1, 2, 3]);
  const { length } = records[0]!;
  for (let end = 0; end < bytes.length; end++)
    expect(found(bytes.slice(0, end))).toEqual([1, 2, 3].slice(0, Math.floor(end / length)));
  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0x10;
    const lost = Math.floor(at / length) + 1;
    expect(found(damaged), `byte ${at}`).toEqual([1, 2, 3].filter((n) => n !== lost));
  }
  // What a killed program left of a record, and whole ones after it.
  const torn = Uint8Array.from([...records[0]!, ...records[1]!.subarray(0, 30), ...records[2]!]);
  expect(found(torn)).toEqual([1, 3]);
});

test("torn ends on the disk are passed over, and appended behind", async () => {
  const host = freshHost();
  await (await open(host)).put([[key("a"), vector(1)]]);
  appendFileSync(fileOf(host), featureRecord(key("torn"), vector(7)).subarray(0, 40));
  const second = await open(host);
  await second.put([[key("b"), vector(2)]]);
  const third = await open(host);
  expect(third.get(key("torn"))).toBeUndefined();
  expect(third.get(key("b"))).toEqual(vector(2));
});

test("vectors of another width are not taken", async () => {
  const host = freshHost();
  await (await open(host)).put([[key("a"), vector(1)]]);
  expect((await open(host, { width: 3 })).get(key("a"))).toBeUndefined();
});

test("a kind that has become too large begins anew, and takes no more than its room", async () => {
  const host = freshHost();
  const { length } = featureRecord(key("a"), vector(1));
  const cache = await open(host, { fileBytes: 2 * length });
  for (const name of ["a", "b", "c"]) await cache.put([[key(name), vector(1)]]);
  expect(readFileSync(fileOf(host))).toHaveLength(2 * length);
  expect(cache.get(key("c"))).toBeUndefined();
  await open(host, { fileBytes: length });
  expect(readdirSync(join(host.folders.cache, "features"))).toEqual(["uses.txt"]);
});

test("of all kinds those go first that were not used for the longest time", async () => {
  const host = freshHost();
  const kinds = ["a", "b", "c"].map((letter) => letter.repeat(16));
  for (const kind of kinds) await (await open(host, { kind })).put([[key("x"), vector(1)]]);
  await open(host, { kind: kinds[0]! }); // used again
  const { length } = featureRecord(key("x"), vector(1));
  await open(host, { kind: kinds[2]!, totalBytes: 2 * length });
  const left = readdirSync(join(host.folders.cache, "features")).filter((name) => name.endsWith(".features"));
  expect(left).toEqual([`${kinds[0]}.features`, `${kinds[2]}.features`]);
});

test("where nothing can be kept it is said once, and features come all the same", async () => {
  const host = freshHost();
  writeFileSync(host.folders.cache, "a file where the folder should be");
  const notices: string[] = [];
  const cache = await open(host, { onNotice: (line) => notices.push(line) });
  await cache.put([[key("a"), vector(1)]]);
  await cache.put([[key("b"), vector(1)]]);
  expect(notices).toEqual([expect.stringContaining("features cannot be kept")]);
});
