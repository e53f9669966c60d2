// A part as searches read it: its codes to begin with, single vectors where they lie, and which pictures they are of only when some were found.
import type { VectorRange } from "../embeddings/embedding-table.ts";
import { type Codes, encodeVectors } from "./codes.ts";
import { keepCodes, readCodes } from "./codes-file.ts";
import type { VectorSource } from "./exact-search.ts";
import { type IndexPart, perPictureOf } from "./manifest.ts";
import {
  type Described,
  type IndexedPicture,
  type IndexHost,
  type OpenPart,
  openPart,
  readVectors,
  requirePart,
} from "./parts.ts";

export class SearchPart implements VectorSource {
  readonly #host: IndexHost;
  readonly #folder: string;
  readonly #manifest: Described;
  readonly #listed: IndexPart;
  #ranges: readonly VectorRange[] | undefined;
  #whole: Promise<OpenPart> | undefined;

  private constructor(host: IndexHost, folder: string, manifest: Described, listed: IndexPart) {
    this.#host = host;
    this.#folder = folder;
    this.#manifest = manifest;
    this.#listed = listed;
  }

  /** @throws FormatError for a part that is missing or cut off */
  static async open(host: IndexHost, folder: string, manifest: Described, listed: IndexPart): Promise<SearchPart> {
    await requirePart(host, folder, listed);
    return new SearchPart(host, folder, manifest, listed);
  }

  get rows(): number {
    return this.#listed.rows;
  }

  get pictureCount(): number {
    return this.rows / perPictureOf(this.#manifest);
  }

  async all(): Promise<Float32Array> {
    return (await this.#open()).all();
  }

  async range(start: number, end: number): Promise<Float32Array> {
    const { width } = this.#manifest.space;
    const path = this.#host.files.join(this.#folder, this.#listed.file);
    const read = await readVectors(this.#host, path, this.#ranges ?? [], width, start, end);
    return read ?? (await this.#open()).range(start, end);
  }

  /** As they are kept beside the part, or made of it and kept from then on. */
  async codes(): Promise<Codes> {
    const { width } = this.#manifest.space;
    const kept = await readCodes(this.#host, this.#folder, this.#listed, width);
    if (kept !== undefined) {
      this.#ranges = kept.ranges;
      return kept.codes;
    }
    const { ranges, all } = await this.#open();
    const codes = encodeVectors(await all(), width);
    if (ranges !== undefined) await keepCodes(this.#host, this.#folder, this.#listed, { codes, ranges });
    return codes;
  }

  async pictures(): Promise<readonly IndexedPicture[]> {
    return (await this.#open()).pictures;
  }

  #open(): Promise<OpenPart> {
    this.#whole ??= openPart(this.#host, this.#folder, this.#manifest, this.#listed).catch((error: unknown) => {
      this.#whole = undefined;
      throw error;
    });
    return this.#whole;
  }
}

/** Pictures by their places among those of all parts. Only the parts that they are in are asked. */
export async function picturesAt(
  parts: readonly SearchPart[],
  places: Iterable<number>,
): Promise<ReadonlyMap<number, IndexedPicture>> {
  const found = new Map<number, IndexedPicture>();
  const left = [...places].sort((a, b) => b - a);
  let first = 0;
  for (const part of parts) {
    const end = first + part.pictureCount;
    const pictures = left.length > 0 && left.at(-1)! < end ? await part.pictures() : [];
    while (left.length > 0 && left.at(-1)! < end) {
      const place = left.pop()!;
      found.set(place, pictures[place - first]!);
    }
    first = end;
  }
  return found;
}
