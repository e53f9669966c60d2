// Pictures in stores of objects that speak S3.
import { mapLimited } from "../../../data/files.ts";
import { LimitError, UsageError } from "../../../errors.ts";
import { isHidden } from "../../../image/picture-files.ts";
import type { ReadStored, Storage, StoredObject } from "../../../jobs/storage.ts";
import { nodeFiles } from "../files.ts";
import { changed } from "./local.ts";
import { folderPrefix, type OpenS3, placeOf, type S3Connection, type S3Sdk, s3Failure, statusOf } from "./s3-client.ts";

/** Of an object whose bytes stop coming. */
const MOST_TRIES = 3;
/** Requests at once where many objects are asked for one by one. */
const PARALLEL = 16;

export function s3Storage(connect: OpenS3): Storage {
  const open = async () => new Objects(await connect());
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

class Objects {
  readonly #sdk: S3Sdk;
  readonly #client: S3Connection["client"];

  constructor({ sdk, client }: S3Connection) {
    this.#sdk = sdk;
    this.#client = client;
  }

  async stat(path: string): Promise<(StoredObject & { readonly isFolder: boolean }) | undefined> {
    const { bucket, key } = placeOf(path);
    if (key !== "" && !key.endsWith("/")) {
      const head = new this.#sdk.HeadObjectCommand({ Bucket: bucket, Key: key });
      const found = await this.#client.send(head).catch((error: unknown) => {
        if (statusOf(error) === 404) return undefined;
        throw s3Failure(error, path);
      });
      if (found !== undefined)
        return { path, size: found.ContentLength ?? 0, etag: plainEtag(found.ETag), isFolder: false };
    }
    const below = new this.#sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: folderPrefix(key) });
    const listed = await this.#client.send(below).catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined;
      throw s3Failure(error, path);
    });
    return (listed?.KeyCount ?? 0) > 0 ? { path, size: 0, etag: "", isFolder: true } : undefined;
  }

  async *walk(folder: string, isWanted: (path: string) => boolean): AsyncGenerator<readonly StoredObject[]> {
    const { bucket, key } = placeOf(folder);
    let token: string | undefined;
    do {
      const list: InstanceType<S3Sdk["ListObjectsV2Command"]> = new this.#sdk.ListObjectsV2Command({
        ...{ Bucket: bucket, Prefix: folderPrefix(key) },
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const page = await this.#client.send(list).catch((error: unknown) => {
        throw s3Failure(error, folder);
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

  async read(path: string, options: ReadStored = {}, range?: string): Promise<Uint8Array> {
    for (let tries = 1; ; tries++) {
      const bytes = await this.#readOnce(path, options, range, tries === MOST_TRIES);
      if (bytes !== undefined) return bytes;
    }
  }

  /** undefined when the connection broke in the middle of the object: the SDK asks again only until an answer has begun. */
  async #readOnce(
    path: string,
    { etag, maxBytes }: ReadStored,
    range: string | undefined,
    isLast: boolean,
  ): Promise<Uint8Array | undefined> {
    const { bucket, key } = placeOf(path);
    let hasBegun = false;
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
      hasBegun = true;
      const bytes = await found.Body?.transformToByteArray();
      return bytes ?? new Uint8Array(0);
    } catch (error) {
      if (hasBegun && !isLast) return undefined;
      if (statusOf(error) === 412) throw changed(path);
      if (statusOf(error) === 416) return new Uint8Array(0); // it ends before
      throw s3Failure(error, path);
    }
  }
}

const plainEtag = (etag: string | undefined): string => (etag ?? "").replaceAll('"', "");
