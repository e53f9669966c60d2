// Restoration: pictures to pictures, by a model that takes something out of them, such as the reflections of a pane of glass.
import { AbortedError, SaccadeError, SessionError, UsageError } from "../../errors.ts";
import type { DecodeOptions, RawImage } from "../../image/raw-image.ts";
import { parseTransform, pixelNormalization } from "../../image/transform.ts";
import { answersOfModel, type CompiledModel, compileModel } from "../../model-folder/compile.ts";
import type { LoadOptions } from "../../model-folder/load.ts";
import type { LoadedModel, ModelCard } from "../../model-folder/model.ts";
import { atSize } from "../../models/registry.ts";
import type { Host } from "../../platform/host.ts";
import type { ActualDevice, Session, SessionOptions } from "../../runtime/session.ts";
import { targetOf } from "../../runtime/target.ts";
import { tensor } from "../../tensor.ts";
import { loadedModel, type ModelSource, requireOutput } from "../engine/engine.ts";
import { type Answered, allAnswers, oneOrMany } from "../engine/picture-stream.ts";
import { type PictureSource, readPicture, requireManyPictures } from "../engine/pictures.ts";
import { wrongTask } from "../engine/wrong-task.ts";
import { countTiles, type Normalization, restoreTiled } from "./tiled.ts";
import { TILE_STEP } from "./tiles.ts";

export interface RestorerOptions extends SessionOptions, Omit<LoadOptions, "seesPictures"> {
  /** Side of the tiles that large pictures are cut into, pixels, a multiple of 32. Larger ones take more memory and overlap less. Default 384. */
  readonly tile?: number;
  /** Pixels that neighbouring tiles share, a multiple of 32: a third at either end is not believed, and between one tile fades into the next. Default 96. */
  readonly overlap?: number;
}

export interface RestoreOptions extends Omit<DecodeOptions, "decode" | "reserve"> {
  /** Called after each tile of a picture. */
  readonly onTile?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

export interface RestorationResult {
  /** As large as the picture that came in, upright. */
  readonly picture: RawImage;
  /** How many tiles it took. */
  readonly tiles: number;
}

const DEFAULT_TILE = 384;
const DEFAULT_OVERLAP = 96;
/** A tile of more pixels a side is a slip of the keyboard. */
const LARGEST_TILE = 4096;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A session for tiles of one size. */
interface Opened {
  readonly size: Size;
  readonly session: Session;
}

/**
 * A model that gives pictures back as they should be.
 *
 * @example
 * const restorer = await Restorer.load("runs/reflections/best");
 * const { picture } = await restorer.restore("window.jpg");
 * await restorer.dispose();
 */
export class Restorer {
  readonly #host: Host;
  readonly #model: LoadedModel;
  readonly #compiled: CompiledModel;
  readonly #options: RestorerOptions;
  readonly #tile: number;
  readonly #overlap: number;
  readonly #normalization: Normalization;
  #opened: Opened | undefined;
  /** Pictures wait for each other: a tile is all that an engine does at once. */
  #last: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  /** @throws UsageError for a model that does not answer with pictures, and for tiles that cannot be */
  constructor(host: Host, model: LoadedModel, options: RestorerOptions = {}) {
    const answers = answersOfModel(model);
    if (answers !== "picture") throw wrongTask(model.card.name, answers);
    const { tile = DEFAULT_TILE, overlap = DEFAULT_OVERLAP } = options;
    requireSteps("tile", tile, LARGEST_TILE);
    if (overlap !== 0) requireSteps("overlap", overlap, tile - TILE_STEP);
    this.#host = host;
    this.#model = model;
    this.#options = options;
    this.#tile = tile;
    this.#overlap = overlap;
    this.#compiled = compileModel(model, { target: targetOf(options.device) });
    if (this.#compiled.takes !== "image" || this.#compiled.channels !== 3)
      throw new UsageError(
        `${model.card.name} does not take normalised pictures in colour, and tiles are such`,
        "export it from its model folder: saccade export MODEL OUT.onnx",
      );
    const transform = parseTransform(this.#compiled.card.transform ?? this.#compiled.usualTransform);
    this.#normalization = pixelNormalization(transform) ?? { mean: [0, 0, 0], std: [1, 1, 1] };
  }

  /** What the model says about itself. */
  get card(): ModelCard {
    return this.#compiled.card;
  }

  /** Known once a picture has been restored. */
  get device(): ActualDevice | undefined {
    return this.#opened?.session.device;
  }

  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  restore(picture: PictureSource, options?: RestoreOptions): Promise<RestorationResult>;
  restore(pictures: readonly PictureSource[], options?: RestoreOptions): Promise<RestorationResult[]>;
  async restore(
    pictures: PictureSource | readonly PictureSource[],
    options: RestoreOptions = {},
  ): Promise<RestorationResult | RestorationResult[]> {
    return oneOrMany(pictures, (sources) => allAnswers(this.restoreAll(sources, options)));
  }

  /**
   * Any number of pictures one after the other, each with its result or the error why it has none. In memory are one picture, its result, and a row of tiles.
   *
   * @throws AbortedError when the signal fires, UsageError
   */
  async *restoreAll(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: RestoreOptions = {},
  ): AsyncGenerator<Answered<PictureSource, RestorationResult>> {
    const { signal, onTile, ...decoding } = options;
    for await (const source of requireManyPictures(pictures)) {
      if (signal?.aborted === true) throw new AbortedError("restoring", signal.reason);
      try {
        const picture = await readPicture(this.#host, source, { ...decoding, decode: "exact" });
        yield { source, answer: await this.#inTurn(() => this.#restore(picture, onTile, signal)) };
      } catch (error) {
        if (!(error instanceof SaccadeError) || error instanceof AbortedError || error instanceof UsageError)
          throw error;
        yield { source, error };
      }
    }
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#last.catch(() => undefined);
    await this.#opened?.session.dispose();
    this.#opened = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.catch(() => undefined).then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #restore(
    picture: RawImage,
    onTile: RestoreOptions["onTile"],
    signal: AbortSignal | undefined,
  ): Promise<RestorationResult> {
    const { size, session } = await this.#sessionFor(picture);
    const output = this.#compiled.logitsName;
    const options = {
      tile: size,
      overlap: Math.min(this.#overlap, Math.min(size.width, size.height) - TILE_STEP),
      normalization: this.#normalization,
      ...(onTile === undefined ? {} : { onTile }),
      run: async (values: Float32Array) => {
        if (signal?.aborted === true) throw new AbortedError("restoring", signal.reason);
        const image = tensor("float32", [1, 3, size.height, size.width], values);
        const run = { outputs: [output], ...(signal === undefined ? {} : { signal }) };
        return requireOutput(await session.run({ [this.#compiled.inputName]: image }, run), output);
      },
    };
    return { picture: await restoreTiled(picture, options), tiles: countTiles(picture, options) };
  }

  /** Of tiles no larger than the picture needs; a file of one size has tiles of that size. */
  async #sessionFor(picture: Size): Promise<Opened> {
    if (this.#isDisposed) throw new SessionError("the model has been disposed");
    const model = this.#model;
    const side = (pixels: number) => Math.min(this.#tile, Math.ceil(pixels / TILE_STEP) * TILE_STEP);
    const size = { width: side(picture.width), height: side(picture.height) };
    const known = this.#opened;
    const fits = model.kind === "onnx" || (known?.size.width === size.width && known.size.height === size.height);
    if (known !== undefined && fits) return known;
    await known?.session.dispose();
    this.#opened = undefined;
    const { tile: _, overlap: __, ...options } = this.#options;
    const session = await this.#host.createSession(this.#bytesFor(model, size), options);
    this.#opened = { size: model.kind === "onnx" ? this.#sizeOfFile(session) : size, session };
    return this.#opened;
  }

  #bytesFor(model: LoadedModel, size: Size): Uint8Array {
    if (model.kind === "onnx") return this.#compiled.bytes;
    const definition = atSize(model.definition, size);
    return compileModel({ ...model, definition }, { target: targetOf(this.#options.device) }).bytes;
  }

  /** The file's own size, or tiles as they were asked for where it takes any. */
  #sizeOfFile({ inputs: [input] }: Session): Size {
    const [height, width] = input?.shape.slice(2) ?? [];
    const isFixed = typeof height === "number" && typeof width === "number" && height > 0 && width > 0;
    return isFixed ? { height, width } : { height: this.#tile, width: this.#tile };
  }
}

function requireSteps(what: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= TILE_STEP && value <= most && value % TILE_STEP === 0) return;
  throw new UsageError(`${what} is a multiple of ${TILE_STEP} from ${TILE_STEP} to ${most}, got ${value}`);
}

/** Loads a model as a restorer. Throws UsageError when it answers something else. */
export async function loadRestorer(host: Host, source: ModelSource, options: RestorerOptions = {}): Promise<Restorer> {
  return new Restorer(host, await loadedModel(host, source, options), options);
}
