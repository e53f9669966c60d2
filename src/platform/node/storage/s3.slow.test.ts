// A store of objects as s3rver serves it on loopback: folders, archives inside, what changed, and what is refused.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ObjectStore, objectStore } from "../../../../test/jobs/servers.ts";
import type { ManifestRow } from "../../../jobs/manifest.ts";
import { PlannedPictures } from "../../../jobs/pictures.ts";
import { sourceRows } from "../../../jobs/sources.ts";
import type { Storage } from "../../../jobs/storage.ts";
import { s3Storage } from "./s3.ts";
import { lazyS3 } from "./s3-client.ts";

let store: ObjectStore;
let client: S3Client;
const put = (Key: string, Body: string | Uint8Array) =>
  client.send(new PutObjectCommand({ Bucket: "photos", Key, Body }));

beforeAll(async () => {
  store = await objectStore("photos");
  Object.assign(process.env, store.environment);
  client = new S3Client({ forcePathStyle: true });
});
afterAll(async () => {
  client.destroy();
  await store.remove();
});

const openStore = lazyS3();
const storage = s3Storage(openStore);
const storageOf = () => storage;
async function rowsOf(source: string): Promise<ManifestRow[]> {
  const rows: ManifestRow[] = [];
  for await (const some of sourceRows(source, { storageOf, absolutePath: (path) => path, onProblem: () => undefined }))
    rows.push(...some);
  return rows;
}

function tar(name: string, text: string): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        0", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, Buffer.from(text.padEnd(512, "\0")), Buffer.alloc(1024)]);
}

const textOf = async (row: ManifestRow) =>
  Buffer.from(await new PlannedPictures(storageOf).open({ ...row, row: 0 }).picture.arrayBuffer()).toString();

test("pictures, those in archives too, are found below a prefix, and read", async () => {
  // Listings of several pages are in test/jobs: s3rver makes its tokens with a cipher that Node has no more.
  for (let i = 0; i < 60; i++) await put(`many/${String(i).padStart(4, "0")}.jpg`, `picture ${i}`);
  await put("many/notes.txt", "no picture");
  await put("mixed/a b+é.png", "with a space");
  await put("mixed/.hidden/x.jpg", "hidden");
  await put("mixed/shard.tar", tar("in.jpg", "inside"));
  const many = await rowsOf("s3://photos/many");
  expect(many.length).toBe(60);
  expect(await textOf(many[59]!)).toBe("picture 59");
  const mixed = await rowsOf("s3://photos/mixed");
  expect(mixed.map(({ key }) => key)).toEqual(["s3://photos/mixed/a b+é.png", "s3://photos/mixed/shard.tar/in.jpg"]);
  expect(await Promise.all(mixed.map(textOf))).toEqual(["with a space", "inside"]);
});

test("what was changed since the plan says so; what is gone or not there is not found; a list may lie in the store", async () => {
  await put("one/c.jpg", "before");
  const [row] = await rowsOf("s3://photos/one");
  await put("one/c.jpg", "after it");
  await expect(textOf(row!)).rejects.toMatchObject({ code: "changed" });
  await expect(textOf({ ...row!, address: "s3://photos/one/gone.jpg" })).rejects.toMatchObject({ code: "not_found" });
  await expect(rowsOf("s3://photos/nothing")).rejects.toMatchObject({ code: "not_found" });
  await put("lists/some.txt", "s3://photos/one/c.jpg\nbeside.jpg\n");
  await put("lists/beside.jpg", "beside the list");
  const listed = await rowsOf("s3://photos/lists/some.txt");
  expect(await Promise.all(listed.map(textOf))).toEqual(["after it", "beside the list"]);
});

test("an object whose bytes stop coming is asked for again; one that never comes whole is the network's fault", async () => {
  let broken = 0;
  let tries = 0;
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-length": 10, etag: '"e"' });
    if (tries++ >= broken) response.end("0123456789");
    else response.write("01234", () => setTimeout(() => response.destroy(), 20));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const torn = s3Storage(lazyS3());
  try {
    broken = 2;
    expect(Buffer.from(await torn.read("s3://photos/a.jpg")).toString()).toBe("0123456789");
    expect(tries).toBe(3);
    broken = 100;
    await expect(torn.read("s3://photos/a.jpg")).rejects.toMatchObject({ code: "network" });
    expect(tries).toBe(6);
  } finally {
    Object.assign(process.env, store.environment);
    server.closeAllConnections();
    server.close();
  }
});

/** A store that answers all questions alike, and heeds neither conditions nor ranges. */
async function heedless(
  headers: Record<string, string | number>,
  use: (storage: Storage) => Promise<void>,
  status = 200,
  body = "x".repeat(100_000),
): Promise<void> {
  const server = createServer((_, response) => {
    response.writeHead(status, { etag: '"e"', ...headers });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await use(s3Storage(lazyS3()));
  } finally {
    Object.assign(process.env, store.environment);
    server.closeAllConnections();
    server.close();
  }
}

test("answers that are not wanted keep no connections, however many there are", async () => {
  await heedless({ "content-length": 100_000 }, async (other) => {
    for (let i = 0; i < 120; i++) {
      await expect(other.read("s3://photos/a.jpg", { etag: "before" })).rejects.toMatchObject({ code: "changed" });
      await expect(other.read("s3://photos/a.jpg", { maxBytes: 10 })).rejects.toMatchObject({ code: "limit" });
    }
    expect((await other.read("s3://photos/a.jpg")).length).toBe(100_000);
  });
});

test("objects that do not say their size are read up to the limit; ranges that nobody heeds are cut out", async () => {
  await heedless({}, async (other) => {
    await expect(other.read("s3://photos/a.jpg", { maxBytes: 10 })).rejects.toMatchObject({ code: "limit" });
    expect((await other.readRange("s3://photos/a.jpg", 7, 20)).length).toBe(20);
  });
});

test("an empty picture of an archive is empty, and not the whole archive", async () => {
  await put("empty/shard.tar", tar("in.jpg", ""));
  const [row] = await rowsOf("s3://photos/empty");
  expect(row!.size).toBe(0);
  expect(await textOf(row!)).toBe("");
});

test("of a Parquet file that was changed no row is read", async () => {
  await put("rows/p.parquet", "not what it was");
  const address = "s3://photos/rows/p.parquet?row=0";
  await expect(textOf({ key: "k", address, size: -1, etag: "before" })).rejects.toMatchObject({ code: "changed" });
});

test.each([
  [400, "AuthorizationHeaderMalformed", "store_refused"],
  [400, "InvalidBucketName", "store_refused"],
  [301, "PermanentRedirect", "store_refused"],
  [403, "AccessDenied", "store_refused"],
  [501, "NotImplemented", "store_refused"],
  [503, "SlowDown", "network"],
  [500, "InternalError", "network"],
])("%i %s: %s", async (status, name, code) => {
  const said = `<Error><Code>${name}</Code><Message>no</Message></Error>`;
  await heedless(
    { "content-type": "application/xml" },
    async (other) => {
      await expect(other.read("s3://photos/a.jpg")).rejects.toMatchObject({ code });
    },
    status,
    said,
  );
});
