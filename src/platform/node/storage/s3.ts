// Stores of objects that speak S3. Where one is and who asks are what the AWS SDK's own environment says: AWS_ENDPOINT_URL, AWS_REGION,
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, profiles and roles.
import type { S3Client } from "@aws-sdk/client-s3";
import { mapLimited } from "../../../data/files.ts";
import { LimitError, NotFoundError, SaccadeError, UsageError } from "../../../errors.ts";
import { isHidden } from "../../../image/picture-files.ts";
import type { ReadStored, Storage, StoredObject } from "../../../jobs/storage.ts";
import { nodeFiles } from "../files.ts";
import { optionalPackage } from "../queues/optional-package.ts";
import { changed } from "./local.ts";

/** Requests at once where many objects are asked for one by one. */
const PARALLEL = 16;

interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** The store. It is opened with the first request. */
export function s3Storage(): Storage {
  let opening: Promise<Opened> | undefined;
  const open = () => {
    opening ??= openClient();
    return opening;
  };
  const stat = async (path: string) => (await open()).stat(path);
  const storage: Omit<Storage, "dataFiles"> = {
    stat,
    statAll: (paths) =>
      mapLimited(paths, PARALLEL, async (path) => {
        const found = await stat(path);
        return found?.isFolder === false ? found : undefined;
      }),
    async *walk(folder, isWanted) {
      yield* (await open()).walk(folder, isWanted);
    },
    read: async (path, options) => (await open()).read(path, options),
    readRange: async (path, start, length, options) =>
      (await open()).read(path, options, `bytes=${start}-${start + length - 1}`),
  };
  return {
    ...storage,
    dataFiles: {
      read: (path, options) => storage.read(path, options),
      readRange: (path, start, length) => storage.readRange(path, start, length),
      stat: async (path) => {
        const found = await stat(path);
        return found === undefined ? undefined : { path, isDirectory: found.isFolder, size: found.size };
      },
      list: () => Promise.reject(new UsageError("a store is not looked through like a folder here")),
      join: nodeFiles.join,
    },
  };
}

type Sdk = typeof import("@aws-sdk/client-s3");

async function openClient(): Promise<Opened> {
  const sdk = await optionalPackage(() => import("@aws-sdk/client-s3"), "a store of objects", "@aws-sdk/client-s3");
  const isOwn = (process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL) !== undefined;
  // Other stores than Amazon's seldom have a name for each bucket. Not all of them know the checksums that the SDK asks for.
  const client = new sdk.S3Client({
    forcePathStyle: isOwn,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 5,
  });
  return new Opened(sdk, client);
}

class Opened {
  readonly #sdk: Sdk;
  readonly #client: S3Client;

  constructor(sdk: Sdk, client: S3Client) {
    this.#sdk = sdk;
    this.#client = client;
  }

  async stat(path: string): Promise<(StoredObject & { readonly isFolder: boolean }) | undefined> {
    const { bucket, key } = placeOf(path);
    if (key !== "" && !key.endsWith("/")) {
      const head = new this.#sdk.HeadObjectCommand({ Bucket: bucket, Key: key });
      const found = await this.#client.send(head).catch((error: unknown) => {
        if (statusOf(error) === 404) return undefined;
        throw failure(error, path);
      });
      if (found !== undefined)
        return { path, size: found.ContentLength ?? 0, etag: plainEtag(found.ETag), isFolder: false };
    }
    const below = new this.#sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: folderPrefix(key) });
    const listed = await this.#client.send(below).catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined;
      throw failure(error, path);
    });
    return (listed?.KeyCount ?? 0) > 0 ? { path, size: 0, etag: "", isFolder: true } : undefined;
  }

  async *walk(folder: string, isWanted: (path: string) => boolean): AsyncGenerator<readonly StoredObject[]> {
    const { bucket, key } = placeOf(folder);
    let token: string | undefined;
    do {
      const list: InstanceType<Sdk["ListObjectsV2Command"]> = new this.#sdk.ListObjectsV2Command({
        ...{ Bucket: bucket, Prefix: folderPrefix(key) },
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const page = await this.#client.send(list).catch((error: unknown) => {
        throw failure(error, folder);
      });
      const objects = (page.Contents ?? []).flatMap(({ Key, Size, ETag }): StoredObject[] => {
        if (
          Key === undefined ||
          Key.slice(key.length)
            .split("/")
            .some((part) => isHidden({ path: part }))
        )
          return [];
        const path = `s3://${bucket}/${Key}`;
        return isWanted(path) ? [{ path, size: Size ?? 0, etag: plainEtag(ETag) }] : [];
      });
      if (objects.length > 0) yield objects;
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async read(path: string, { etag, maxBytes }: ReadStored = {}, range?: string): Promise<Uint8Array> {
    const { bucket, key } = placeOf(path);
    try {
      const get = new this.#sdk.GetObjectCommand({
        ...{ Bucket: bucket, Key: key },
        ...(etag === undefined ? {} : { IfMatch: `"${etag}"` }),
        ...(range === undefined ? {} : { Range: range }),
      });
      const found = await this.#client.send(get);
      // Not every store heeds the condition.
      if (etag !== undefined && plainEtag(found.ETag) !== etag) throw changed(path);
      if (maxBytes !== undefined && (found.ContentLength ?? 0) > maxBytes)
        throw new LimitError(path, found.ContentLength ?? 0, maxBytes, "bytes");
      const bytes = await found.Body?.transformToByteArray();
      return bytes ?? new Uint8Array(0);
    } catch (error) {
      if (statusOf(error) === 412) throw changed(path);
      if (statusOf(error) === 416) return new Uint8Array(0); // it ends before
      throw failure(error, path);
    }
  }
}

function placeOf(path: string): Place {
  const [, bucket, key = ""] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
  if (bucket === undefined) throw new UsageError(`${path} names no bucket`, "s3://BUCKET/PREFIX");
  return { bucket, key };
}

const folderPrefix = (key: string): string => (key === "" || key.endsWith("/") ? key : `${key}/`);
const plainEtag = (etag: string | undefined): string => (etag ?? "").replaceAll('"', "");

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata;
  return metadata?.httpStatusCode;
}

function failure(error: unknown, path: string): SaccadeError {
  if (error instanceof SaccadeError) return error;
  const status = statusOf(error);
  if (status === 404) return new NotFoundError("object", path);
  const { name, message } = error as Error;
  const said = `${name}${message === "" || message === name ? "" : `: ${message.split("\n")[0]}`}`;
  // What the store refuses it will refuse again; what it cannot do now may pass.
  if (status === 401 || status === 403)
    return new SaccadeError("store_refused", `the store refuses ${path} (${said})`, {
      hint: "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they allow",
      cause: error,
    });
  if (name === "CredentialsProviderError" || /region is missing/i.test(message))
    return new SaccadeError("store_refused", `the store cannot be asked: ${said}`, {
      hint: "set AWS_REGION and credentials; AWS_ENDPOINT_URL for another store than Amazon's",
      cause: error,
    });
  return new SaccadeError("network", `the store does not answer for ${path} (${said})`, { cause: error });
}
