// Downloaded models, kept by the browser (Cache API) in parts, so that what has arrived survives an interruption. Each download has a note of what it is
// of and how much of it there is; the note is written after the part that it counts.
import { faultName } from "./storage-faults.ts";

const CACHE = "saccade-models-1";
/** Keys of a cache are addresses; nobody asks for these. */
const KEYS = "https://saccade.invalid/";

/** What is known of a download. */
export interface CacheNote {
  /** Names it in the cache: the digest where that was known before, else one of the address. */
  readonly id: string;
  readonly url: string;
  /** Where the library looks for it, when it has a place: "cache/sparseformer_v1_tiny.pth". */
  readonly path?: string;
  /** Bytes of each part that is there. */
  readonly parts: readonly number[];
  /** Bytes of the whole file, where the server said. */
  readonly total?: number;
  /** ETag or date that the server gave. */
  readonly validator?: string;
  /** Of the whole file, once it is there. */
  readonly sha256?: string;
  readonly isComplete: boolean;
  /** ISO 8601, of the last part. */
  readonly changed: string;
}

export class ModelCache {
  readonly #cache: Cache;

  private constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** undefined where the browser keeps nothing for this page: over http, in some private windows and frames. */
  static async open(): Promise<ModelCache | undefined> {
    try {
      return typeof caches === "undefined" ? undefined : new ModelCache(await caches.open(CACHE));
    } catch {
      return undefined;
    }
  }

  async note(id: string): Promise<CacheNote | undefined> {
    const found = await this.#cache.match(noteKey(id));
    return found === undefined ? undefined : ((await found.json()) as CacheNote);
  }

  async notes(): Promise<CacheNote[]> {
    const keys = (await this.#cache.keys()).map(({ url }) => url).filter((url) => url.endsWith("/note"));
    const notes = await Promise.all(keys.map(async (url) => (await this.#cache.match(url))?.json()));
    return notes.filter((note): note is CacheNote => note !== undefined);
  }

  /** @throws QuotaExceededError and whatever else the browser says */
  async write(note: CacheNote, part?: Uint8Array): Promise<void> {
    if (part !== undefined)
      await this.#cache.put(partKey(note.id, note.parts.length - 1), new Response(part.slice() as BodyInit));
    await this.#cache.put(noteKey(note.id), new Response(JSON.stringify(note)));
  }

  /** The bytes that are there, as a note counts them; undefined where a part is missing or has another length. */
  async read({ id, parts }: CacheNote): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(parts.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const [i, length] of parts.entries()) {
      const found = await this.#cache.match(partKey(id, i));
      const part = found === undefined ? undefined : new Uint8Array(await found.arrayBuffer());
      if (part?.length !== length) return undefined;
      bytes.set(part, at);
      at += length;
    }
    return bytes;
  }

  /** The note goes first: without it the parts are nothing. */
  async forget(id: string): Promise<void> {
    await this.#cache.delete(noteKey(id));
    for (const { url } of await this.#cache.keys()) if (url.startsWith(`${KEYS}${id}/`)) await this.#cache.delete(url);
  }
}

export const isStorageFull = (error: unknown): boolean => faultName(error) === "QuotaExceededError";

/** What identifies this very version of a file. Weak ETags do not promise equal bytes. */
export function validatorOf({ headers }: Response): string | undefined {
  const etag = headers.get("etag");
  if (etag?.startsWith('"')) return etag;
  return headers.get("last-modified") ?? undefined;
}

const noteKey = (id: string) => `${KEYS}${id}/note`;
const partKey = (id: string, part: number) => `${KEYS}${id}/${part}`;
