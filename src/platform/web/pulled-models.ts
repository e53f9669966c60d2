// Downloaded models as the library looks for them, under the paths that their downloads were given; and the list of all of them, for people.
import { NotFoundError } from "../../errors.ts";
import { type CacheNote, ModelCache } from "./model-cache.ts";
import { type Mount, wholeFile } from "./mounts.ts";
import { joinPath } from "./paths.ts";

/** Path of the folder where the library looks for pulled weights, and keeps what it has computed. */
export const CACHE_ROOT = ".cache";

/** A model that the browser keeps, or the beginning of one. */
export interface CachedModel {
  /** The address that it came from. */
  readonly url: string;
  /** Bytes that are here. */
  readonly bytes: number;
  /** Bytes of the whole file, where the server said. */
  readonly total?: number;
  /** Whether all of it is here; what is not is continued by the next load. */
  readonly isComplete: boolean;
  readonly sha256?: string;
  /** When the last part came, ISO 8601. */
  readonly changed: string;
}

/** What the browser keeps for this site, in the order in which it came. */
export async function cachedModels(): Promise<CachedModel[]> {
  const notes = (await (await ModelCache.open())?.notes()) ?? [];
  return notes.map(describe).toSorted((a, b) => (a.changed < b.changed ? -1 : 1));
}

/**
 * Deletes models that the browser keeps. They are fetched again when they are loaded.
 *
 * @param which default: all of them
 * @returns how many bytes that were
 * @example await forgetModels(({ url }) => url.endsWith("old.onnx"));
 */
export async function forgetModels(which: (model: CachedModel) => boolean = () => true): Promise<number> {
  const cache = await ModelCache.open();
  let freed = 0;
  for (const note of (await cache?.notes()) ?? []) {
    if (!which(describe(note))) continue;
    await cache?.forget(note.id);
    freed += bytesOf(note);
  }
  return freed;
}

/** Pulled weights, laid over the folder of what else is cached. */
export function pulledModels(): Mount {
  return {
    root: CACHE_ROOT,
    isOverlay: true,
    async entry(inside) {
      const path = joinPath(CACHE_ROOT, inside);
      const cache = await ModelCache.open();
      const note = (await cache?.notes())?.find((one) => one.path === path && one.isComplete);
      return note && wholeFile(bytesOf(note), async () => (await cache?.read(note)) ?? gone(path));
    },
  };
}

function gone(path: string): never {
  throw new NotFoundError("file", path, "the browser has deleted a part of it to make room: pull it again");
}

const bytesOf = ({ parts }: CacheNote) => parts.reduce((sum, length) => sum + length, 0);

function describe(note: CacheNote): CachedModel {
  const { url, total, isComplete, sha256, changed } = note;
  return {
    ...{ url, bytes: bytesOf(note), isComplete, changed },
    ...(total === undefined ? {} : { total }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}
