// What self-checks found, kept by the browser: one small entry for a model on an adapter with this version of the engine.
import type { Comparison } from "./self-check.ts";

const CACHE = "saccade-webgpu-checks";

export interface CheckMemory {
  read(): Promise<Comparison | undefined>;
  write(found: Comparison): Promise<void>;
}

/**
 * The memory for one model. Where the browser keeps nothing for this page, it knows nothing.
 *
 * @param place where it was checked: an adapter, with a version of the engine
 */
export async function checkMemory(model: Uint8Array, place: Readonly<Record<string, string>>): Promise<CheckMemory> {
  if (globalThis.caches === undefined || globalThis.crypto?.subtle === undefined)
    return { read: async () => undefined, write: async () => undefined };
  const bytes = new Uint8Array(model); // shared memory is not digested
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // Never fetched: a name in the form that the cache wants.
  const key = new URL(`/saccade/webgpu-check?${new URLSearchParams({ ...place, model: hex })}`, location.origin);
  return {
    read: async () => {
      const found = await caches
        .open(CACHE)
        .then((cache) => cache.match(key))
        .catch(() => undefined);
      return found === undefined ? undefined : (found.json() as Promise<Comparison>);
    },
    write: async (found) => {
      // JSON has no infinity.
      const difference = Math.min(found.difference, Number.MAX_VALUE);
      await caches
        .open(CACHE)
        .then((cache) => cache.put(key, Response.json({ ...found, difference })))
        .catch(() => undefined); // storage is full, or this page may keep nothing: it is checked again next time
    },
  };
}
