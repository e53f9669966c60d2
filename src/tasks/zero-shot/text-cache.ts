// Texts' vectors on the disk, so that a second command over the same labels does not run the text model again. One file a model, a line a text.
import type { Files, Host } from "../../platform/host.ts";

/** A file that grew beyond it is begun anew. */
const MAX_BYTES = 128 * 2 ** 20;

/** Vectors by text. What cannot be read or written is as if it were not there: a cache is no reason to fail. */
export class TextCache {
  readonly #known = new Map<string, Float32Array>();
  readonly #files: Files;
  readonly #folder: string;
  readonly #path: string;
  readonly #width: number;
  #isRead = false;

  /**
   * @param model a digest of what computes the vectors
   * @param width numbers in a vector
   */
  constructor(host: Host, model: string, width: number) {
    this.#files = host.files;
    this.#folder = host.files.join(host.folders.cache, "texts");
    this.#path = host.files.join(this.#folder, `${model}.jsonl`);
    this.#width = width;
  }

  async get(key: string): Promise<Float32Array | undefined> {
    if (!this.#isRead) await this.#read();
    return this.#known.get(key);
  }

  async add(vectors: ReadonlyMap<string, Float32Array>): Promise<void> {
    for (const [key, vector] of vectors) this.#known.set(key, vector);
    const lines = [...vectors].map(([key, vector]) => `\n${JSON.stringify([key, Array.from(vector, exactly)])}`);
    try {
      await this.#files.makeDirectory(this.#folder);
      const size = (await this.#files.stat(this.#path))?.size ?? 0;
      if (size > MAX_BYTES) await this.#files.remove(this.#path);
      await this.#files.append(this.#path, `${lines.join("")}\n`);
    } catch {
      // A full or read-only disk: the next command computes them again.
    }
  }

  async #read(): Promise<void> {
    this.#isRead = true;
    const text = await this.#text();
    for (const line of text.split("\n")) {
      const entry = parsed(line);
      if (entry?.vector.length === this.#width) this.#known.set(entry.key, entry.vector);
    }
  }

  async #text(): Promise<string> {
    try {
      const bytes = await this.#files.read(this.#path, { maxBytes: 2 * MAX_BYTES });
      return new TextDecoder().decode(bytes);
    } catch {
      return "";
    }
  }
}

/** As few digits as tell float32 numbers apart. */
const exactly = (value: number) => Number(value.toPrecision(9));

/** Lines that a killed process left half are none. */
function parsed(line: string): { readonly key: string; readonly vector: Float32Array } | undefined {
  if (line === "") return undefined;
  try {
    const [key, values, ...rest] = JSON.parse(line) as unknown[];
    if (typeof key !== "string" || !Array.isArray(values) || rest.length > 0) return undefined;
    const vector = Float32Array.from(values as number[]);
    return vector.every(Number.isFinite) ? { key, vector } : undefined;
  } catch {
    return undefined;
  }
}
