// What pictures that are being decoded may take together, whoever asks for them and whatever for.
import { MemoryBudget } from "../../tasks/engine/memory-budget.ts";
import type { Reserve } from "../../tasks/engine/picture-stream.ts";

const DECODING_BYTES = 2 ** 28;

export class DecodingMemory {
  readonly #budget = new MemoryBudget(DECODING_BYTES);
  #count = 0;

  /** Runs what decodes a picture, in turn where memory is short. What it took is given back when it ends. */
  async during<T>(decode: (reserve: Reserve) => Promise<T>): Promise<T> {
    const index = this.#count++;
    let held = 0;
    try {
      return await decode(async (bytes) => {
        await this.#budget.reserve(index, bytes);
        held += bytes;
      });
    } finally {
      this.#budget.release(held);
      this.#budget.finish(index);
    }
  }
}
