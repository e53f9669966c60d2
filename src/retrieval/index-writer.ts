// Changes to an index. Vectors go into new parts as they come; the manifest names them when all is done. So a run that is stopped, however it is
// stopped, leaves the index as it was, and the parts it wrote, in which the next run finds the vectors that need not be made again.
import { writeEmbeddings } from "../embeddings/write-embeddings.ts";
import { SaccadeError, UsageError } from "../errors.ts";
import { requireSameSpace } from "../tasks/embed/space.ts";
import { encodeVectors } from "./codes.ts";
import { keepCodes } from "./codes-file.ts";
import {
  codesName,
  deleteLeftovers,
  findManifest,
  type IndexManifest,
  type IndexPart,
  partName,
  partNumbers,
  perPictureOf,
  writeManifest,
} from "./manifest.ts";
import { type IndexedPicture, type IndexHost, type OpenPart, openPart, readPart } from "./parts.ts";

/** Vectors of a part at most, and numbers in them. */
const PART_ROWS = 8192;
const PART_NUMBERS = 2 ** 22;
/** What has come is written after so long, full or not: more than that no kill costs. */
const WRITE_EVERY_MS = 30_000;
/** So many parts that are less than half full become full ones. */
const LOOSE_PARTS = 8;

/** Where a picture's vectors are. */
interface Place {
  readonly part: OpenPart;
  /** The picture's place in it. */
  readonly at: number;
}

/** Pictures with their vectors, on their way into a part. */
class Buffer {
  readonly pictures: IndexedPicture[] = [];
  readonly vectors: Float32Array[] = [];
  readonly byHash = new Map<string, Float32Array>();
  since = performance.now();

  add(picture: IndexedPicture, vectors: Float32Array): void {
    if (this.pictures.length === 0) this.since = performance.now();
    this.pictures.push(picture);
    this.vectors.push(vectors);
    this.byHash.set(picture.hash, vectors);
  }
}

export class IndexWriter implements AsyncDisposable {
  readonly #host: IndexHost;
  readonly #folder: string;
  /** The index as it is. */
  #manifest: IndexManifest;
  readonly #lock: AsyncDisposable;
  /** Parts that the index has, or that this run has written. */
  readonly #parts = new Set<OpenPart>();
  /** The index as it will be, by path. */
  readonly #pictures = new Map<string, IndexedPicture & { place: Place | undefined }>();
  /** Vectors that were made before, by the content of the picture. */
  readonly #byHash = new Map<string, Place>();
  #buffer = new Buffer();
  #lastNumber = 0;
  #isChanged = false;

  private constructor(host: IndexHost, folder: string, manifest: IndexManifest, lock: AsyncDisposable) {
    this.#host = host;
    this.#folder = folder;
    this.#manifest = manifest;
    this.#lock = lock;
  }

  /**
   * Takes the index in a folder for changes; it is made when there is none.
   *
   * @param wanted what the index consists of, or is to consist of
   * @throws UsageError for an index of another space; SaccadeError "in_use" while somebody else changes it
   */
  static async open(host: IndexHost, folder: string, wanted: Omit<IndexManifest, "parts">): Promise<IndexWriter> {
    const { files } = host;
    await findManifest(files, folder); // refuses folders of something else before anything is written there
    await files.makeDirectory(folder);
    const lock = await files.lock(folder);
    try {
      const found = await findManifest(files, folder);
      if (found !== undefined) requireSame(folder, found, wanted);
      const writer = new IndexWriter(host, folder, found ?? { ...wanted, parts: [] }, lock);
      writer.#isChanged = found === undefined;
      await writer.#load();
      return writer;
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Pictures that the index will have. */
  get pictures(): ReadonlyMap<string, IndexedPicture> {
    return this.#pictures;
  }

  /** Vectors of a picture with this content, of the index or of a run that was stopped: (patches, width). */
  async vectorsOf(hash: string): Promise<Float32Array | undefined> {
    const place = this.#byHash.get(hash);
    if (place === undefined) return this.#buffer.byHash.get(hash);
    const vectors = await this.#read(place);
    return vectors.every(Number.isFinite) ? vectors : undefined;
  }

  /** Adds a picture, or puts it in the place of the one of this path. */
  async put(picture: IndexedPicture, vectors: Float32Array): Promise<void> {
    this.#isChanged = true;
    this.#pictures.set(picture.path, { ...picture, place: undefined });
    this.#buffer.add(picture, vectors);
    const isFull = this.#buffer.pictures.length >= this.#picturesOfPart;
    if (isFull || performance.now() - this.#buffer.since > WRITE_EVERY_MS) await this.save();
  }

  /** Takes a picture out. false: it was not there. */
  remove(path: string): boolean {
    const wasThere = this.#pictures.delete(path);
    this.#isChanged ||= wasThere;
    return wasThere;
  }

  /** Writes down what has come, for this run or the next. */
  async save(): Promise<void> {
    const buffer = this.#buffer;
    this.#buffer = new Buffer();
    await this.#store(buffer);
  }

  /** Makes the index what it is to be. Until this returns it is what it was. */
  async commit(): Promise<void> {
    await this.save();
    const { files } = this.#host;
    if (this.#isChanged) {
      await this.#tidy();
      const parts: IndexPart[] = [...this.#parts].map(({ file, rows, bytes }) => ({ file, rows, bytes }));
      const manifest = { ...this.#manifest, parts };
      await writeManifest(files, this.#folder, manifest);
      this.#manifest = manifest;
      this.#isChanged = false;
    }
    await deleteLeftovers(files, this.#folder, this.#manifest);
    this.#forgetRest();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock[Symbol.asyncDispose]();
  }

  get #perPicture(): number {
    return perPictureOf(this.#manifest);
  }

  get #picturesOfPart(): number {
    const rows = Math.min(PART_ROWS, PART_NUMBERS / this.#manifest.space.width);
    return Math.max(1, Math.floor(rows / this.#perPicture));
  }

  async #load(): Promise<void> {
    const { files } = this.#host;
    const named = new Map(this.#manifest.parts.map((part) => [part.file, part]));
    for (const listed of this.#manifest.parts) {
      const part = await openPart(this.#host, this.#folder, this.#manifest, listed);
      this.#parts.add(part);
      for (const [at, picture] of part.pictures.entries()) {
        this.#pictures.set(picture.path, { ...picture, place: { part, at } });
        this.#byHash.set(picture.hash, { part, at });
      }
    }
    for (const number of await partNumbers(files, this.#folder)) {
      this.#lastNumber = Math.max(this.#lastNumber, number);
      if (!named.has(partName(number))) await this.#takeOver(partName(number));
    }
  }

  /** Vectors whose files are gone. */
  #forgetRest(): void {
    for (const [hash, { part }] of this.#byHash) if (!this.#parts.has(part)) this.#byHash.delete(hash);
  }

  /** What a stopped run has left. A part of another space, or that cannot be read, is of no use. */
  async #takeOver(file: string): Promise<void> {
    try {
      const part = await readPart(this.#host, this.#folder, this.#manifest, file);
      for (const [at, { hash }] of part.pictures.entries())
        if (!this.#byHash.has(hash)) this.#byHash.set(hash, { part, at });
    } catch (error) {
      if (!(error instanceof SaccadeError)) throw error;
    }
  }

  #read({ part, at }: Place): Promise<Float32Array> {
    return part.range(at * this.#perPicture, (at + 1) * this.#perPicture);
  }

  /** Rewrites parts with pictures that are gone, and small ones when there are many, so that parts hold what is in the index and nothing else. */
  async #tidy(): Promise<void> {
    const living = new Map<OpenPart, number[]>([...this.#parts].map((part) => [part, []]));
    for (const { place } of this.#pictures.values()) if (place !== undefined) living.get(place.part)?.push(place.at);
    const isFull = (part: OpenPart) => living.get(part)!.length === part.pictures.length;
    const isSmall = (part: OpenPart) => part.pictures.length < this.#picturesOfPart / 2;
    const small = [...this.#parts].filter((part) => isFull(part) && isSmall(part));
    const isLoose = new Set(small.length >= LOOSE_PARTS ? small : []);
    const rewritten = [...this.#parts].filter((part) => !isFull(part) || isLoose.has(part));
    const numbers = this.#perPicture * this.#manifest.space.width;
    let together = new Buffer();
    for (const part of rewritten) {
      this.#parts.delete(part);
      const left = living.get(part)!.toSorted((a, b) => a - b);
      const vectors = left.length === 0 ? new Float32Array(0) : await part.all();
      for (const at of left) {
        together.add(part.pictures[at]!, vectors.subarray(at * numbers, (at + 1) * numbers));
        if (together.pictures.length < this.#picturesOfPart) continue;
        await this.#store(together);
        together = new Buffer();
      }
    }
    await this.#store(together);
  }

  async #store({ pictures, vectors }: Buffer): Promise<void> {
    if (pictures.length === 0) return;
    const part = await this.#writePart(pictures, vectors);
    for (const [at, { path, hash }] of pictures.entries()) {
      const place = { part, at };
      this.#byHash.set(hash, place);
      const picture = this.#pictures.get(path);
      // A picture that came twice has the vectors of the last one; one that was taken out again has none.
      if (picture !== undefined && picture.hash === hash) picture.place = place;
    }
  }

  /** A new part, which no manifest names yet. */
  async #writePart(pictures: readonly IndexedPicture[], vectors: readonly Float32Array[]): Promise<OpenPart> {
    const { space } = this.#manifest;
    const each = pictures.flatMap((picture) => Array.from({ length: this.#perPicture }, () => picture));
    const joined = new Float32Array(each.length * space.width);
    for (const [i, vector] of vectors.entries()) joined.set(vector, i * this.#perPicture * space.width);
    const bytes = writeEmbeddings({
      width: space.width,
      vectors: joined,
      paths: each.map(({ path }) => path),
      sizes: each.map(({ size }) => size),
      hashes: each.map(({ hash }) => hash),
      model: space.name,
      space: { ...space },
    });
    this.#lastNumber++;
    const file = partName(this.#lastNumber);
    const { files } = this.#host;
    await files.remove(files.join(this.#folder, codesName(file))); // of an older part of that name
    await files.writeAtomic(files.join(this.#folder, file), bytes);
    const part = await readPart(this.#host, this.#folder, this.#manifest, file);
    if (part.ranges !== undefined) {
      const codes = encodeVectors(joined, space.width);
      await keepCodes(this.#host, this.#folder, part, { codes, ranges: part.ranges });
    }
    this.#parts.add(part);
    return part;
  }
}

function requireSame(folder: string, found: IndexManifest, wanted: Omit<IndexManifest, "parts">): void {
  requireSameSpace(found.space, wanted.space, [`the index ${folder}`, "this model"]);
  if (found.levels === wanted.levels) return;
  const said = ({ levels }: Pick<IndexManifest, "levels">) => (levels === 1 ? "whole pictures" : `${levels} scales`);
  throw new UsageError(
    `the index ${folder} is of ${said(found)}, and ${said(wanted)} were asked for`,
    "make another index for them",
  );
}
