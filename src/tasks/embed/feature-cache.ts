// Features by what they are of: in the cache folder a file for each kind of them, in which the content of a picture's file finds its vector again.
import { joinBytes } from "../../byte-sources.ts";
import { SaccadeError } from "../../errors.ts";
import type { DigestHost, Files, Host } from "../../platform/host.ts";
import type { AnswerMemory } from "../engine/known-answers.ts";
import { featureRecord, indexFeatures, readFeatures } from "./feature-file.ts";

export interface FeatureCacheOptions {
  /** 16 hexadecimal digits of everything that decides the numbers. */
  readonly kind: string;
  /** Numbers that a vector has, or of which each entry has a multiple. */
  readonly width: number;
  /** Hears why nothing can be kept. */
  readonly onNotice?: ((line: string) => void) | undefined;
  /** For one kind, in bytes. Default 512 MiB: 100,000 vectors of 1280 numbers. */
  readonly fileBytes?: number;
  /** For all kinds together; those that were not used for the longest time go. Default 2 GiB. */
  readonly totalBytes?: number;
}

const FILE_BYTES = 2 ** 29;
const TOTAL_BYTES = 2 ** 31;
const FOLDER = "features";
/** Which kinds were used, one a line, the last one last. */
const USES = "uses.txt";
const MOST_USES_BYTES = 2 ** 16;

/**
 * Opens what is kept of a kind of features. Several programs may at once; whatever goes wrong with the files costs time, never a wrong vector.
 */
export async function openFeatureCache(
  host: Host & DigestHost,
  options: FeatureCacheOptions,
): Promise<AnswerMemory<Float32Array>> {
  const { files, folders } = host;
  const { kind, fileBytes = FILE_BYTES, totalBytes = TOTAL_BYTES } = options;
  const folder = files.join(folders.cache, FOLDER);
  const path = files.join(folder, `${kind}.features`);
  const cache = new FeatureCache(host, path, options, fileBytes);
  try {
    await files.makeDirectory(folder);
    await noteUse(files, folder, kind);
    await removeOldest(files, folder, kind, totalBytes);
    const size = (await files.stat(path))?.size ?? 0;
    // As large as it may become, it begins anew.
    if (size > fileBytes) await files.remove(path);
    else if (size > 0) cache.load(await files.read(path, { maxBytes: 2 * fileBytes }));
  } catch (error) {
    cache.giveUp(error);
  }
  return cache;
}

class FeatureCache implements AnswerMemory<Float32Array> {
  readonly #host: Host & DigestHost;
  readonly #path: string;
  readonly #options: FeatureCacheOptions;
  readonly #added = new Map<string, Float32Array>();
  #bytes = new Uint8Array();
  #places = new Map<string, number>();
  /** Bytes that may still be appended. */
  #room: number;

  constructor(host: Host & DigestHost, path: string, options: FeatureCacheOptions, fileBytes: number) {
    this.#host = host;
    this.#path = path;
    this.#options = options;
    this.#room = fileBytes;
  }

  load(bytes: Uint8Array): void {
    this.#bytes = bytes as Uint8Array<ArrayBuffer>;
    this.#places = indexFeatures(bytes);
    this.#room -= bytes.length;
  }

  /** What goes wrong with files is told once, and then nothing is kept. Throws what is no failure of them. */
  giveUp(error: unknown): void {
    if (!(error instanceof SaccadeError)) throw error;
    this.#room = 0;
    this.#options.onNotice?.(`saccade: features cannot be kept for the next time: ${error.message}`);
  }

  keyOf(bytes: Uint8Array): Promise<string> {
    return this.#host.sha256(bytes);
  }

  get(key: string): Float32Array | undefined {
    const place = this.#places.get(key);
    const values = this.#added.get(key) ?? (place === undefined ? undefined : readFeatures(this.#bytes, place));
    const fits = values !== undefined && values.length > 0 && values.length % this.#options.width === 0;
    return fits ? values.slice() : undefined;
  }

  async put(answers: readonly (readonly [key: string, values: Float32Array])[]): Promise<void> {
    const fresh = answers.filter(([key]) => this.get(key) === undefined);
    const records = fresh.map(([key, values]) => featureRecord(key, values));
    const size = records.reduce((sum, { length }) => sum + length, 0);
    if (size === 0 || size > this.#room) return;
    this.#room -= size;
    for (const [key, values] of fresh) this.#added.set(key, values.slice());
    await this.#host.files.append(this.#path, joinBytes(records)).catch((error: unknown) => this.giveUp(error));
  }
}

async function usesOf(files: Files, folder: string): Promise<string[]> {
  const path = files.join(folder, USES);
  const size = (await files.stat(path))?.size ?? 0;
  if (size === 0 || size > 2 * MOST_USES_BYTES) return [];
  const text = new TextDecoder().decode(await files.read(path, { maxBytes: 4 * MOST_USES_BYTES }));
  // The last time counts.
  return [...new Set(text.split("\n").reverse())].reverse();
}

async function noteUse(files: Files, folder: string, kind: string): Promise<void> {
  const path = files.join(folder, USES);
  const size = (await files.stat(path))?.size ?? 0;
  if (size < MOST_USES_BYTES) return files.append(path, `${kind}\n`);
  await files.writeAtomic(path, `${[...(await usesOf(files, folder)), kind].slice(-1000).join("\n")}\n`);
}

async function removeOldest(files: Files, folder: string, kept: string, totalBytes: number): Promise<void> {
  const uses = await usesOf(files, folder);
  const kinds = (await files.list(folder)).flatMap(({ path, size }) => {
    const kind = /([0-9a-f]{16})\.features$/.exec(path)?.[1];
    return kind === undefined ? [] : [{ path, size, kind, use: uses.indexOf(kind) }];
  });
  let total = kinds.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size, kind } of kinds.toSorted((a, b) => a.use - b.use)) {
    if (total <= totalBytes) return;
    if (kind === kept) continue;
    await files.remove(path);
    total -= size;
  }
}
