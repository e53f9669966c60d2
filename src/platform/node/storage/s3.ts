// Pictures in stores of objects that speak S3.
import { readAtMost } from "../../../byte-sources.ts";
import { mapLimited } from "../../../data/files.ts";
import { LimitError, SaccadeError, UsageError } from "../../../errors.ts";
import { isHidden } from "../../../image/picture-files.ts";
import { changed, type ReadStored, type Storage, type StoredObject } from "../../../jobs/storage.ts";
import { nodeFiles } from "../files.ts";
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
    // A range of nothing cannot be asked for: what is asked instead is the whole object.
    readRange: async (path, start, length, options) =>
      length === 0 ? new Uint8Array(0) : (await open()).read(path, options, { start, length }),
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

  async read(path: string, options: ReadStored = {}, range?: ByteRange): Promise<Uint8Array> {
    for (let tries = 1; ; tries++) {
      const bytes = await this.#readOnce(path, options, range, tries === MOST_TRIES);
      if (bytes !== undefined) return bytes;
    }
  }

  /** undefined when the connection broke in the middle of the object: the SDK asks again only until an answer has begun. */
  async #readOnce(
    path: string,
    { etag, maxBytes }: ReadStored,
    range: ByteRange | undefined,
    isLast: boolean,
  ): Promise<Uint8Array | undefined> {
    const { bucket, key } = placeOf(path);
    let hasBegun = false;
    try {
      const get = new this.#sdk.GetObjectCommand({
        ...{ Bucket: bucket, Key: key },
        ...(etag === undefined ? {} : { IfMatch: `"${etag}"` }),
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.start + range.length - 1}` }),
      });
      const found = await this.#client.send(get);
      const body = found.Body as Body | undefined;
      // Not every store heeds the condition.
      if (etag !== undefined && plainEtag(found.ETag) !== etag) throw left(body, changed(path));
      const announced = found.ContentLength ?? 0;
      if (maxBytes !== undefined && announced > maxBytes)
        throw left(body, new LimitError(path, announced, maxBytes, "bytes"));
      hasBegun = true;
      // Not every store says before how much comes.
      const most = maxBytes ?? Number.POSITIVE_INFINITY;
      const bytes = body === undefined ? new Uint8Array(0) : await readAtMost(body, most, path);
      // Nor does everything between here and there heed ranges.
      const isWhole = found.$metadata.httpStatusCode === 200;
      return range === undefined || !isWhole ? bytes : bytes.slice(range.start, range.start + range.length);
    } catch (error) {
      if (error instanceof SaccadeError) throw error;
      if (hasBegun && !isLast) return undefined;
      if (statusOf(error) === 412) throw changed(path);
      if (statusOf(error) === 416) return new Uint8Array(0); // it ends before
      throw s3Failure(error, path);
    }
  }
}

interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/** Of an answer, in Node. */
type Body = AsyncIterable<Uint8Array> & { destroy(): unknown };

/** An answer that nobody reads would keep its connection, and there are not many of them: without one, all that is asked afterwards waits for ever. */
function left<E extends Error>(body: Body | undefined, error: E): E {
  body?.destroy();
  return error;
}

const plainEtag = (etag: string | undefined): string => (etag ?? "").replaceAll('"', "");
