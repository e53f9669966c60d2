// A file while it comes: into memory, and a part at a time into the cache.
import { AbortedError, FormatError, LimitError, NetworkError } from "../../errors.ts";
import { sha256 } from "./digest.ts";
import type { DownloadOptions } from "./download.ts";
import { type CacheNote, isStorageFull, type ModelCache, validatorOf } from "./model-cache.ts";
import { fetchFault, shown } from "./network-faults.ts";

/** A part is kept when so much has arrived. */
const PART_BYTES = 4 * 2 ** 20;
const FIRST_ROOM = 2 ** 20;

/** What a server says of a file. */
interface Facts {
  readonly total: number | undefined;
  readonly validator: string | undefined;
}

export class Arrival {
  readonly #url: string;
  readonly #options: DownloadOptions;
  #store: { readonly cache: ModelCache; readonly id: string } | undefined;
  #room = new Uint8Array(0);
  #received = 0;
  /** Bytes of the parts that are kept. */
  #parts: readonly number[] = [];
  #kept = 0;

  /**
   * @param store where it is kept; undefined where nothing is
   * @param begun what an earlier attempt left
   */
  constructor(
    address: URL,
    options: DownloadOptions,
    store?: { readonly cache: ModelCache; readonly id: string },
    begun?: { readonly note: CacheNote; readonly kept: Uint8Array },
  ) {
    this.#url = address.href;
    this.#options = options;
    this.#store = store;
    if (begun === undefined) return;
    this.#add(begun.kept);
    this.#parts = begun.note.parts;
    this.#kept = this.#received;
  }

  /**
   * All bytes, once the body of the answer is here.
   *
   * @throws NetworkError, AbortedError: what has arrived is kept; LimitError, FormatError
   */
  async finish(response: Response): Promise<Uint8Array> {
    const facts = this.#factsOf(response);
    const { total } = facts;
    this.#requireRoom(total ?? 0);
    if (total !== undefined) this.#grow(total);
    this.#tell(total);
    const reader = response.body!.getReader();
    try {
      for (let read = await this.#read(reader); read !== undefined; read = await this.#read(reader)) {
        this.#requireRoom(this.#received + read.length);
        this.#add(read);
        if (this.#received - this.#kept >= PART_BYTES) await this.#keep(facts);
        this.#tell(total);
      }
      if (total !== undefined && this.#received < total) throw this.#stoppedEarly(total);
    } catch (error) {
      await reader.cancel().catch(() => undefined);
      if (!(error instanceof LimitError)) await this.#keep(facts);
      throw error;
    }
    return this.#complete(facts);
  }

  #factsOf(response: Response): Facts {
    // What is packed on the way has another length, and cannot be continued.
    const isPacked = !/^(|identity)$/i.test(response.headers.get("content-encoding") ?? "");
    const length = response.headers.get("content-length");
    return {
      total: isPacked || length === null ? undefined : this.#received + Number(length),
      validator: isPacked ? undefined : validatorOf(response),
    };
  }

  #requireRoom(bytes: number): void {
    const { maxBytes = Number.POSITIVE_INFINITY } = this.#options;
    if (bytes > maxBytes) throw new LimitError(shown(this.#url), bytes, maxBytes, "bytes");
  }

  #grow(bytes: number): void {
    if (bytes <= this.#room.length) return;
    const room = new Uint8Array(bytes);
    room.set(this.#room.subarray(0, this.#received));
    this.#room = room;
  }

  #add(bytes: Uint8Array): void {
    const end = this.#received + bytes.length;
    if (end > this.#room.length) this.#grow(Math.max(end, 2 * this.#room.length, FIRST_ROOM));
    this.#room.set(bytes, this.#received);
    this.#received = end;
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    } catch (cause) {
      if (this.#options.signal?.aborted === true) throw new AbortedError("the download", cause);
      throw fetchFault(this.#url, cause);
    }
  }

  #stoppedEarly(total: number): NetworkError {
    const received = this.#received;
    return new NetworkError(`the connection ended after ${received} of ${total} bytes of ${shown(this.#url)}`, {
      hint: "load it again: it goes on from there",
      data: { url: shown(this.#url), received, total },
    });
  }

  async #complete(facts: Facts): Promise<Uint8Array> {
    const bytes = this.#room.subarray(0, this.#received);
    // Pages over http have no digests, and keep nothing.
    const digest = globalThis.crypto?.subtle === undefined ? undefined : await sha256(bytes);
    try {
      this.#requireDigest(digest);
      await this.#options.check?.(bytes);
    } catch (error) {
      // Going on with it later could only give the same wrong file.
      await this.#store?.cache.forget(this.#store.id);
      throw error;
    }
    await this.#keep(facts, digest);
    return bytes;
  }

  #requireDigest(found: string | undefined): void {
    const { sha256: expected } = this.#options;
    if (expected === undefined || found === undefined || found === expected) return;
    throw new FormatError(shown(this.#url), "it is not the file that was expected: its SHA-256 is another", {
      hint: "the server has another version, or somebody changed it on the way",
      data: { expected, found },
    });
  }

  /** Keeps what no part has yet. @param digest of the whole file, once it is here */
  async #keep({ total, validator }: Facts, digest?: string): Promise<void> {
    const store = this.#store;
    const part = this.#room.subarray(this.#kept, this.#received);
    if (store === undefined || (digest === undefined && part.length === 0)) return;
    if (part.length > 0) this.#parts = [...this.#parts, part.length];
    this.#kept = this.#received;
    const { path } = this.#options;
    const note: CacheNote = {
      id: store.id,
      url: this.#url,
      ...(path === undefined ? {} : { path }),
      parts: this.#parts,
      ...(total === undefined ? {} : { total }),
      ...(validator === undefined ? {} : { validator }),
      ...(digest === undefined ? {} : { sha256: digest }),
      isComplete: digest !== undefined,
      changed: new Date().toISOString(),
    };
    try {
      await store.cache.write(note, part.length === 0 ? undefined : part);
    } catch (error) {
      // The model is of use without being kept.
      this.#store = undefined;
      await store.cache.forget(store.id).catch(() => undefined);
      const why = isStorageFull(error) ? "the browser's storage for this site is full" : "the browser keeps nothing";
      this.#options.onNotice?.(`saccade: ${shown(this.#url)} is not kept, and will be fetched again next time: ${why}`);
    }
  }

  #tell(total: number | undefined): void {
    this.#options.onProgress?.({ url: this.#url, received: this.#received, total });
  }
}
