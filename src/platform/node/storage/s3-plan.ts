// A plan in a store of objects. Putting an object is atomic there, and who reads it afterwards, or lists, sees it; nothing can be added to one, so a log is a
// folder with an object a line.
import { createHash, randomBytes } from "node:crypto";
import { joinBytes } from "../../../byte-sources.ts";
import { mapLimited } from "../../../data/files.ts";
import { NotFoundError } from "../../../errors.ts";
import type { PlanFiles } from "../../../jobs/plan-files.ts";
import type { Storage } from "../../../jobs/storage.ts";
import type { FileEntry, FileInProgress } from "../../host.ts";
import { folderPrefix, type OpenS3, placeOf, type S3Connection, s3Failure, statusOf } from "./s3-client.ts";

/** Requests at once. */
const PARALLEL = 16;
/** Of a line of a log. */
const MAX_LINE_BYTES = 2 ** 20;

/** @param storage reads the same store */
export function planFilesInStore(open: OpenS3, storage: Storage): PlanFiles {
  let lines = 0;
  const join = (...[first = "", ...more]: string[]): string => [first.replace(/\/+$/, ""), ...more].join("/");
  const list = async (path: string) => listFolder(await open(), path);
  return {
    join,
    list,
    read: (path, options) => storage.read(path, options),
    writeAtomic: async (path, bytes) => putObject(await open(), path, asBytes(bytes)),
    remove: async (path) => removeObject(await open(), path),
    async stat(path) {
      const found = await storage.stat(path);
      return found === undefined ? undefined : { path, isDirectory: found.isFolder, size: found.size };
    },
    makeDirectory: async (path) => requireBucket(await open(), path),
    addLine: async (log, line) => {
      // By time, and those of one process in its order.
      const when = Date.now().toString(36).padStart(9, "0");
      const which = (lines++).toString(36).padStart(6, "0");
      const name = `${when}-${which}-${randomBytes(6).toString("hex")}`;
      await putObject(await open(), join(log, name), asBytes(line));
    },
    readLines: async (log) =>
      mapLimited(await list(log), PARALLEL, async ({ path }) =>
        new TextDecoder().decode(await storage.read(path, { maxBytes: MAX_LINE_BYTES })),
      ),
  };
}

const asBytes = (bytes: Uint8Array | string): Uint8Array =>
  typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;

async function putObject({ sdk, client }: S3Connection, path: string, bytes: Uint8Array): Promise<void> {
  const { bucket, key } = placeOf(path);
  await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes })).catch((error: unknown) => {
    throw s3Failure(error, path);
  });
}

async function removeObject({ sdk, client }: S3Connection, path: string): Promise<void> {
  const { bucket, key } = placeOf(path);
  await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
    if (statusOf(error) !== 404) throw s3Failure(error, path);
  });
}

async function requireBucket({ sdk, client }: S3Connection, path: string): Promise<void> {
  const { bucket } = placeOf(path);
  await client.send(new sdk.HeadBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
    throw statusOf(error) === 404
      ? new NotFoundError("bucket", `s3://${bucket}`, "make it first; it is not made here")
      : s3Failure(error, path);
  });
}

async function listFolder({ sdk, client }: S3Connection, path: string): Promise<readonly FileEntry[]> {
  const { bucket, key } = placeOf(path);
  const prefix = folderPrefix(key);
  const inside: FileEntry[] = [];
  let token: string | undefined;
  do {
    const command: InstanceType<typeof sdk.ListObjectsV2Command> = new sdk.ListObjectsV2Command({
      ...{ Bucket: bucket, Prefix: prefix, Delimiter: "/" },
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    const page = await client.send(command).catch((error: unknown) => {
      throw s3Failure(error, path);
    });
    for (const { Key = prefix, Size = 0 } of page.Contents ?? [])
      if (Key !== prefix) inside.push({ path: `s3://${bucket}/${Key}`, isDirectory: false, size: Size });
    for (const { Prefix = "" } of page.CommonPrefixes ?? [])
      inside.push({ path: `s3://${bucket}/${Prefix.replace(/\/$/, "")}`, isDirectory: true, size: 0 });
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  return inside.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Bytes that are sent together. Stores take no parts of less than 5 MiB, and no more than 10,000 of them. */
const PART_BYTES = 2 ** 24;

/** An object that is sent as its bytes come; nobody sees any of it before all of it is there. */
export async function createObject(open: OpenS3, path: string): Promise<FileInProgress> {
  const connection = await open();
  const { sdk, client } = connection;
  const { bucket, key } = placeOf(path);
  const place = { Bucket: bucket, Key: key };
  const explain = (error: unknown): never => {
    throw s3Failure(error, path);
  };
  const hash = createHash("sha256");
  let bytes = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let upload: string | undefined;
  const parts: { ETag: string | undefined; PartNumber: number }[] = [];
  const take = (): Uint8Array => {
    const taken = joinBytes(waiting);
    waiting = [];
    waitingBytes = 0;
    return taken;
  };
  const send = async (): Promise<void> => {
    upload ??= (await client.send(new sdk.CreateMultipartUploadCommand(place)).catch(explain)).UploadId;
    const number = parts.length + 1;
    const part = { ...place, UploadId: upload, PartNumber: number, Body: take() };
    const { ETag } = await client.send(new sdk.UploadPartCommand(part)).catch(explain);
    parts.push({ ETag, PartNumber: number });
  };
  return {
    async write(part) {
      hash.update(part);
      bytes += part.length;
      waiting.push(part.slice()); // the writer may use its memory again
      waitingBytes += part.length;
      if (waitingBytes >= PART_BYTES) await send();
    },
    async finish() {
      if (upload === undefined) await putObject(connection, path, take());
      else {
        if (waitingBytes > 0) await send();
        const all = { ...place, UploadId: upload, MultipartUpload: { Parts: parts } };
        await client.send(new sdk.CompleteMultipartUploadCommand(all)).catch(explain);
        upload = undefined;
      }
      return { bytes, sha256: hash.digest("hex") };
    },
    async discard() {
      if (upload === undefined) return;
      const abort = new sdk.AbortMultipartUploadCommand({ ...place, UploadId: upload });
      upload = undefined;
      await client.send(abort).catch(() => undefined); // the store forgets it by its own rules
    },
  };
}
