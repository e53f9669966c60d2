// Decoded pictures kept in memory, because decoding costs more than all the rest and an epoch brings every picture again. Pixels lie in a few
// large blocks of shared memory, so that worker threads read them without copies.
import type { RawImage } from "../image/raw-image.ts";

/** Where a picture lies. */
export interface CachedPicture {
  readonly slab: number;
  readonly offset: number;
  readonly width: number;
  readonly height: number;
}

/** Shared where the platform has shared memory. */
export type Slab = SharedArrayBuffer | ArrayBuffer;

const SLAB_BYTES = 32 * 2 ** 20;

/** Keeps pictures until its budget is used up; then it keeps those it has, which is the best one can do when all come equally often. */
export class PictureCache {
  readonly #budget: number;
  readonly #entries = new Map<number, CachedPicture>();
  readonly #slabs: Slab[] = [];
  /** Of the last slab. */
  #used = 0;
  #total = 0;

  /** @param budgetBytes of pixels; 0 keeps nothing */
  constructor(budgetBytes: number) {
    this.#budget = budgetBytes;
  }

  get slabs(): readonly Slab[] {
    return this.#slabs;
  }

  /** Bytes of pixels that are kept. */
  get bytes(): number {
    return this.#total;
  }

  /** Number of pictures that are kept. */
  get count(): number {
    return this.#entries.size;
  }

  find(item: number): CachedPicture | undefined {
    return this.#entries.get(item);
  }

  /** Copies a picture in, if it fits the budget. */
  keep(item: number, image: RawImage): void {
    const size = image.data.length;
    if (this.#total + size > this.#budget || this.#entries.has(item)) return;
    const last = this.#slabs.at(-1);
    if (last === undefined || this.#used + size > last.byteLength) {
      this.#slabs.push(newSlab(Math.max(size, Math.min(SLAB_BYTES, this.#budget - this.#total))));
      this.#used = 0;
    }
    const slab = this.#slabs.length - 1;
    new Uint8Array(this.#slabs[slab]!, this.#used, size).set(image.data);
    this.#entries.set(item, { slab, offset: this.#used, width: image.width, height: image.height });
    this.#used += size;
    this.#total += size;
  }

  clear(): void {
    this.#entries.clear();
    this.#slabs.length = 0;
    this.#used = 0;
    this.#total = 0;
  }
}

function newSlab(bytes: number): Slab {
  return typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}

/** A kept picture, without a copy. */
export function cachedImage({ slab, offset, width, height }: CachedPicture, slabs: readonly Slab[]): RawImage {
  return { width, height, data: new Uint8Array(slabs[slab]!, offset, width * height * 3) };
}
