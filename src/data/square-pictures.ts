// The source pictures of what is made of them (scenes, moving things): read when they are needed, as squares of one size.
import { SaccadeError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";
import { squarePicture } from "../image/scene.ts";
import type { RandomSource } from "../random.ts";
import type { DataProblem, Dataset } from "./dataset.ts";
import { type DataFiles, type DecodePicture, loadPicture } from "./files.ts";

/** Squares kept in memory, in bytes. */
const CACHE_BYTES = 256 * 2 ** 20;

/** One split's pictures as squares. */
export class SquarePictures {
  readonly problems: DataProblem[] = [];
  readonly #squares = new Map<number, Promise<RawImage | undefined>>();
  readonly #capacity: number;

  constructor(
    readonly dataset: Dataset,
    readonly side: number,
    readonly files: Pick<DataFiles, "read" | "readRange">,
    readonly decode: DecodePicture,
  ) {
    this.#capacity = Math.max(16, Math.floor(CACHE_BYTES / (side * side * 3)));
  }

  /** Item `index` as a square; undefined, once among `problems`, when it cannot be read. */
  square(index: number): Promise<RawImage | undefined> {
    const known = this.#squares.get(index);
    if (known !== undefined) return known;
    const square = this.#load(index);
    this.#squares.set(index, square);
    // The oldest goes: which pictures are needed is random, so no order of leaving is better than another.
    if (this.#squares.size > this.#capacity) this.#squares.delete(this.#squares.keys().next().value!);
    return square;
  }

  async #load(index: number): Promise<RawImage | undefined> {
    const { name, picture } = await this.dataset.item(index);
    try {
      return squarePicture(await loadPicture(picture, this.files, this.decode), this.side);
    } catch (error) {
      if (!(error instanceof SaccadeError)) throw error;
      if (!this.problems.some((problem) => problem.name === name)) this.problems.push({ name, reason: error.message });
      return undefined;
    }
  }

  /**
   * `count` squares of random items out of `candidates`, unreadable ones passed over.
   *
   * @throws SaccadeError `data` when hardly any can be read
   */
  async draw(count: number, candidates: Int32Array, random: RandomSource): Promise<RawImage[]> {
    const drawn: RawImage[] = [];
    for (let tries = 0; drawn.length < count; tries++) {
      if (tries > 20 * count + 100)
        throw new SaccadeError("data", `hardly any of the pictures can be read (${this.problems[0]?.reason})`);
      const square = await this.square(candidates[random.integer(candidates.length)]!);
      if (square !== undefined) drawn.push(square);
    }
    return drawn;
  }
}
