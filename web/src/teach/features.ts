// Features of the pictures that were taught: each picture goes through the model once, and what comes out is kept by the picture's hash.
import { signal } from "@preact/signals";
import { Embedder, type EmbeddingSpace } from "../library.ts";
import { BUNDLED } from "../state/models.ts";
import { collection, pictures } from "./collection.ts";

/** Whose features are learnt on. */
export const BACKBONE = BUNDLED;

/** Pictures that are looked at, while some are. */
export const looking = signal<{ readonly done: number; readonly total: number } | undefined>(undefined);

let embedder: Promise<Embedder> | undefined;

/** The model, opened once. Always in WebAssembly: what is kept must not depend on which device a picture met. */
export function openEmbedder(): Promise<Embedder> {
  embedder ??= Embedder.load(BACKBONE, { normalize: false, device: "wasm" }).catch((error: unknown) => {
    embedder = undefined;
    throw error;
  });
  return embedder;
}

/** Lets go of a model that failed, so that the next one is opened anew. */
async function dropEmbedder(): Promise<void> {
  const failed = embedder;
  embedder = undefined;
  await (await failed?.catch(() => undefined))?.dispose().catch(() => undefined);
}

const cache = new Map<string, Map<string, Float32Array>>();

async function knownFeatures({ id }: EmbeddingSpace): Promise<Map<string, Float32Array>> {
  let known = cache.get(id);
  if (known === undefined) {
    known = await (await collection()).features(id);
    cache.set(id, known);
  }
  return known;
}

export interface PictureFeatures {
  readonly space: EmbeddingSpace;
  /** By the picture's hash. */
  readonly vectors: ReadonlyMap<string, Float32Array>;
  /** Pictures without features, and why. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/** Features written at once. */
const CHUNK = 64;

let turn: Promise<unknown> = Promise.resolve();

/** Features of all pictures of the collection; what is known already is not computed again. */
export function featuresOfAll(signal?: AbortSignal): Promise<PictureFeatures> {
  const result = turn.then(() => compute(signal));
  turn = result.catch(() => undefined);
  return result;
}

async function compute(signal: AbortSignal | undefined): Promise<PictureFeatures> {
  const [model, store] = await Promise.all([openEmbedder(), collection()]);
  const known = await knownFeatures(model.space);
  const missing = pictures.value.filter(({ hash }) => !known.has(hash)).map(({ hash }) => hash);
  const failures = new Map<string, unknown>();
  if (missing.length === 0) return { space: model.space, vectors: known, failures };
  async function* sources() {
    for (const hash of missing) yield (await store.file(hash)) ?? new Blob();
  }
  let fresh: [string, Float32Array][] = [];
  const flush = async () => {
    const now = fresh;
    fresh = [];
    // One that was removed meanwhile is not written again.
    const present = new Set(pictures.value.map(({ hash }) => hash));
    await store.putFeatures(
      model.space.id,
      now.filter(([hash]) => present.has(hash)),
    );
  };
  let done = 0;
  looking.value = { done, total: missing.length };
  try {
    for await (const { answer, error } of model.embedAll(sources(), { batchSize: 8, ...(signal && { signal }) })) {
      const hash = missing[done]!;
      done += 1;
      if (error === undefined) {
        known.set(hash, answer);
        fresh.push([hash, answer]);
      } else failures.set(hash, error);
      if (fresh.length >= CHUNK) await flush();
      looking.value = { done, total: missing.length };
    }
    await flush();
  } catch (error) {
    await flush().catch(() => undefined);
    await dropEmbedder();
    throw error;
  } finally {
    looking.value = undefined;
  }
  return { space: model.space, vectors: known, failures };
}

/** Features that came from elsewhere: a file that everything was imported from. */
export async function addFeatures(space: string, vectors: ReadonlyMap<string, Float32Array>): Promise<void> {
  await (await collection()).putFeatures(space, vectors);
  cache.delete(space);
}
