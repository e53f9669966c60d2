// An index of pictures: which of many pictures are like one, found exactly.
import { FormatError, NotFoundError, type SaccadeError, UsageError } from "../errors.ts";
import { lastingName } from "../model-folder/lasting-name.ts";
import type { DigestHost, EmbeddingsHost, Host } from "../platform/host.ts";
import { type Embedder, type EmbedderOptions, loadEmbedder } from "../tasks/embed/embedder.ts";
import { type EmbeddingSpace, requireSameSpace } from "../tasks/embed/space.ts";
import type { ModelSource } from "../tasks/engine/engine.ts";
import { type PictureSource, readPicture } from "../tasks/engine/pictures.ts";
import { requirePair } from "../tasks/zero-shot/paired-texts.ts";
import { loadTextEmbedder, type TextEmbedder } from "../tasks/zero-shot/text-embedder.ts";
import { type AddOptions, addPictures, type PictureOutcome } from "./add-pictures.ts";
import { ExactSearch, requireVector } from "./exact-search.ts";
import { IndexWriter } from "./index-writer.ts";
import { findManifest, type IndexManifest, perPictureOf, readingOf, requireManifest } from "./manifest.ts";
import type { IndexedPicture } from "./parts.ts";
import { cutPatches, MOST_LEVELS } from "./patches.ts";
import { fitRecipe, type Recipe, recipeSources } from "./recipe.ts";
import { picturesAt, SearchPart } from "./search-part.ts";

export type RetrievalHost = Host & DigestHost & EmbeddingsHost;

export interface PictureIndexOptions extends EmbedderOptions {
  /** What makes vectors of pictures. Default: the model that the index was made with, under the name or path it had then. */
  readonly model?: ModelSource;
  /**
   * For a new index: scales at which pictures are cut into patches that are compared one by one, 1 (whole pictures, the default) to 5. At 3 scales
   * a picture has 14 vectors.
   */
  readonly levels?: number;
  /**
   * Searches compare what vectors become when they are scaled to unit length, brought to this many principal components of the index, whitened, scaled,
   * and every number is replaced by the root of its size with its sign. The index on the disk stays as it is. Default: none of it.
   */
  readonly components?: number;
  /** For searches with words: the text model that was trained with the index's model. Default: the one that the model says belongs to it. */
  readonly textModel?: ModelSource;
}

/** What adding did: pictures by what became of them. */
export interface IndexChanges {
  readonly embedded: number;
  /** Pictures whose bytes were known, under another name or from a run that was stopped. */
  readonly known: number;
  readonly kept: number;
  readonly removed: number;
  /** Pictures that could not be read, and why. */
  readonly problems: readonly { readonly path: string; readonly error: SaccadeError }[];
}

export interface AddPicturesOptions extends AddOptions {
  /** Whether pictures that are not among these leave the index. Default false. */
  readonly replace?: boolean;
}

/** A picture of the index that is like the query. */
export interface Match extends IndexedPicture {
  /**
   * Cosine of the angle between the two pictures' vectors: 1 for the same direction. With patches the mean, over those of the query, of the best
   * cosine with one of the picture's.
   */
  readonly score: number;
}

export interface SearchOptions {
  /** How many pictures. Default 10. */
  readonly topK?: number;
  readonly signal?: AbortSignal;
}

interface Opened {
  readonly search: ExactSearch;
  readonly parts: readonly SearchPart[];
  readonly recipe: Recipe | undefined;
}

/** How often a manifest is read again when a part that it names is gone: somebody has changed the index meanwhile. */
const MOST_RETRIES = 3;

/**
 * Pictures in a folder on the disk, by what they look like.
 *
 * @example
 * await using index = await PictureIndex.open("index", { model: "saccade/photographs" });
 * await index.add(["a.jpg", "b.jpg"]);
 * for (const { path, score } of await index.search("c.jpg", { topK: 5 })) console.log(path, score);
 */
export class PictureIndex implements AsyncDisposable {
  readonly #host: RetrievalHost;
  readonly #options: PictureIndexOptions;
  #manifest: IndexManifest | undefined;
  #embedder: Promise<Embedder> | undefined;
  #texts: Promise<TextEmbedder> | undefined;
  #opened: Promise<Opened> | undefined;

  private constructor(
    host: RetrievalHost,
    readonly folder: string,
    options: PictureIndexOptions,
    manifest: IndexManifest | undefined,
  ) {
    this.#host = host;
    this.#options = options;
    this.#manifest = manifest;
  }

  /**
   * Opens the index in a folder. Where there is none it is made when pictures are added, with the model that is named.
   *
   * @throws NotFoundError when there is none and no model is named; FormatError for a folder of something else, and for a damaged manifest
   */
  static async open(host: RetrievalHost, folder: string, options: PictureIndexOptions = {}): Promise<PictureIndex> {
    const { levels = 1, model } = options;
    if (!Number.isInteger(levels) || levels < 1 || levels > MOST_LEVELS)
      throw new UsageError(`an index has 1 to ${MOST_LEVELS} scales of patches, got ${levels}`);
    const find = model === undefined ? requireManifest : findManifest;
    const manifest = await find(host.files, folder);
    const named = typeof model === "string" ? { model: await lastingName(host, model) } : {};
    return new PictureIndex(host, folder, { ...options, ...named }, manifest);
  }

  /** What its vectors are; undefined before an index is made. */
  get space(): EmbeddingSpace | undefined {
    return this.#manifest?.space;
  }

  /** Pictures in the index. */
  get size(): number {
    const manifest = this.#manifest;
    return manifest === undefined
      ? 0
      : manifest.parts.reduce((sum, { rows }) => sum + rows, 0) / perPictureOf(manifest);
  }

  /**
   * Adds pictures, and replaces those that have changed. What a picture's file holds decides whether the model has to look at it. The index is as it
   * was until all is done; what was embedded before a run was stopped is not embedded again.
   *
   * @throws UsageError when the index is of another model; SaccadeError "in_use"; AbortedError
   */
  async add(
    pictures: Iterable<string> | AsyncIterable<string>,
    options: AddPicturesOptions = {},
  ): Promise<IndexChanges> {
    const embedder = await this.#openEmbedder();
    const { levels } = this.#described(embedder);
    await using writer = await IndexWriter.open(this.#host, this.folder, this.#described(embedder));
    const counts = { embedded: 0, known: 0, kept: 0 };
    const problems: { path: string; error: SaccadeError }[] = [];
    const onPicture = (path: string, outcome: PictureOutcome) => {
      if (typeof outcome === "string") counts[outcome]++;
      else problems.push({ path, error: outcome });
      options.onPicture?.(path, outcome);
    };
    const before = writer.pictures.size;
    let present: ReadonlySet<string>;
    try {
      const adding = { host: this.#host, writer, embedder, levels };
      present = await addPictures(adding, this.#absolute(pictures), { ...options, onPicture });
    } catch (error) {
      await writer.save();
      throw error;
    }
    if (present.size === 0) {
      const [problem] = problems;
      throw problem === undefined ? new UsageError("no pictures were given to the index") : problem.error;
    }
    let removed = 0;
    if (options.replace === true && before > 0)
      for (const path of [...writer.pictures.keys()]) if (!present.has(path) && writer.remove(path)) removed++;
    await writer.commit();
    await this.#reread();
    return { ...counts, removed, problems };
  }

  /**
   * Takes pictures out: their own paths, or folders they are in. Returns how many.
   *
   * @throws NotFoundError for a path that no picture of the index has; then nothing is taken out
   */
  async remove(paths: readonly string[]): Promise<number> {
    const manifest = await requireManifest(this.#host.files, this.folder);
    await using writer = await IndexWriter.open(this.#host, this.folder, manifest);
    const leaving = new Set<string>();
    for (const path of paths) {
      const whole = this.#host.absolutePath(path);
      const found = [...writer.pictures.keys()].filter((each) => each === whole || isBelow(each, whole));
      if (found.length === 0)
        throw new NotFoundError("picture in the index", path, "saccade search shows paths of the index");
      for (const each of found) leaving.add(each);
    }
    for (const path of leaving) writer.remove(path);
    await writer.commit();
    await this.#reread();
    return leaving.size;
  }

  /**
   * The pictures most like one, the most alike first; equally alike ones in the order of their paths.
   *
   * @throws UsageError for an empty index, and when the model is not the index's; FormatError for missing or damaged parts
   */
  async search(picture: PictureSource, options: SearchOptions = {}): Promise<Match[]> {
    this.#filled();
    await this.#openSearch(); // an index that is damaged is found out before a model is loaded
    const embedder = await this.#openEmbedder();
    const { levels } = this.#manifest!;
    const sources = levels === 1 ? [picture] : cutPatches(await readPicture(this.#host, picture), levels);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    return this.searchVectors(await embedder.embed(sources, signal), options);
  }

  /**
   * The pictures that words fit best; cosines with words are smaller than those between pictures.
   *
   * @throws UsageError for an index whose model has no text model, and for a text that is empty or longer than that reads
   */
  async searchText(text: string, options: SearchOptions = {}): Promise<Match[]> {
    const { width } = this.#filled().space;
    const texts = await this.#openTexts();
    requirePair(`the model of the index ${this.folder}`, width, texts);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    return this.searchVectors([await texts.embed(text, signal)], options);
  }

  /** As `search`, for vectors of the index's space: one, or one for each patch of a query. */
  async searchVectors(query: readonly Float32Array[], options: SearchOptions = {}): Promise<Match[]> {
    const { topK = 10, signal } = options;
    if (!Number.isInteger(topK) || topK < 1) throw new UsageError(`topK is a whole number from 1 on, got ${topK}`);
    this.#filled();
    return this.#untilUnchanged(
      async () => {
        const { search, parts, recipe } = await this.#openSearch();
        const compared = recipe === undefined ? query : query.map((vector) => this.#prepared(vector, recipe));
        const found = await search.search(compared, topK, signal);
        const pictures = await picturesAt(
          parts,
          found.map(({ picture }) => picture),
        );
        return found
          .map(({ picture, score }) => ({ ...pictures.get(picture)!, score }))
          .sort((a, b) => b.score - a.score || compareText(a.path, b.path))
          .slice(0, topK);
      },
      () => this.#closeSearch(),
    );
  }

  async dispose(): Promise<void> {
    const embedder = await this.#embedder?.catch(() => undefined);
    await embedder?.dispose();
    const texts = await this.#texts?.catch(() => undefined);
    await texts?.dispose();
    await this.#closeSearch();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #prepared(vector: Float32Array, recipe: Recipe): Float32Array {
    requireVector(vector, this.#manifest!.space.width);
    return recipe.apply(vector);
  }

  async *#absolute(pictures: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
    for await (const path of pictures) yield this.#host.absolutePath(path);
  }

  #described(embedder: Embedder): Omit<IndexManifest, "parts"> {
    const { levels = this.#manifest?.levels ?? 1, model, layer, power, projection } = this.#options;
    const name = typeof model === "string" ? model : this.#manifest?.model;
    // Words lie among what the model gives itself, and nowhere else.
    const isModelsOwn = layer === undefined && power !== true && projection === undefined;
    const reading = this.#manifest?.reading ?? readingOf(this.#options);
    const textModel = this.#manifest?.textModel ?? (isModelsOwn ? embedder.card.textModel : undefined);
    return {
      levels,
      space: embedder.space,
      ...(name === undefined ? {} : { model: name }),
      ...(textModel === undefined ? {} : { textModel }),
      ...(Object.keys(reading).length === 0 ? {} : { reading }),
    };
  }

  #filled(): IndexManifest {
    if (this.#manifest !== undefined && this.size > 0) return this.#manifest;
    throw new UsageError(`the index ${this.folder} is empty`, "add pictures: saccade index PICTURES --out INDEX");
  }

  #openEmbedder(): Promise<Embedder> {
    this.#embedder ??= this.#loadEmbedder().catch((error: unknown) => {
      this.#embedder = undefined;
      throw error;
    });
    return this.#embedder;
  }

  #openTexts(): Promise<TextEmbedder> {
    const { textModel = this.#manifest?.textModel, device, threads, onNotice } = this.#options;
    if (textModel === undefined)
      throw new UsageError(
        `the index ${this.folder} is of ${this.#manifest!.space.name}, which has no text model: words cannot be searched for`,
        "make an index with a CLIP model (sparseformer_btsp_openai_clip_base), or name the text model: --text-model (the option textModel)",
      );
    this.#texts ??= loadTextEmbedder(this.#host, textModel, {
      ...(device === undefined ? {} : { device }),
      ...(threads === undefined ? {} : { threads }),
      ...(onNotice === undefined ? {} : { onNotice }),
    }).catch((error: unknown) => {
      this.#texts = undefined;
      throw error;
    });
    return this.#texts;
  }

  /** The index's own model makes vectors exactly as it did then. */
  async #loadEmbedder(): Promise<Embedder> {
    const { model, levels: _, components: __, textModel: ___, ...options } = this.#options;
    const manifest = this.#manifest;
    const source = model ?? manifest?.model;
    if (source === undefined)
      throw new UsageError(`the index ${this.folder} does not say which model it was made with`, "name the model");
    const { space } = manifest ?? {};
    const asThen = space === undefined ? {} : optionsOf(space);
    const embedder = await loadEmbedder(this.#host, source, { ...manifest?.reading, ...asThen, ...options });
    try {
      if (space !== undefined) requireSameSpace(space, embedder.space, [`the index ${this.folder}`, "this model"]);
    } catch (error) {
      await embedder.dispose();
      throw error;
    }
    return embedder;
  }

  #openSearch(): Promise<Opened> {
    this.#opened ??= this.#untilUnchanged(() => this.#loadSearch()).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #loadSearch(): Promise<Opened> {
    const manifest = this.#manifest!;
    const parts: SearchPart[] = [];
    for (const part of manifest.parts) parts.push(await SearchPart.open(this.#host, this.folder, manifest, part));
    const { threads, signal, onNotice, components } = this.#options;
    const { width } = manifest.space;
    const stopping = signal === undefined ? {} : { signal };
    const recipe = components === undefined ? undefined : await fitRecipe(parts, width, { components, ...stopping });
    const sources = recipe === undefined ? parts : await recipeSources(parts, recipe, signal);
    const shape = { width: recipe?.width ?? width, perPicture: perPictureOf(manifest) };
    const search = await ExactSearch.open(this.#host, sources, shape, {
      ...(threads === undefined ? {} : { threads }),
      ...stopping,
      ...(onNotice === undefined ? {} : { onNotice }),
    });
    return { search, recipe, parts };
  }

  /** Parts that are gone, or others, may be so because somebody has changed the index meanwhile: then what it is now counts. */
  async #untilUnchanged<T>(work: () => Promise<T>, onChange?: () => Promise<void>): Promise<T> {
    for (let retries = MOST_RETRIES; ; retries--) {
      const manifest = this.#manifest;
      try {
        return await work();
      } catch (error) {
        if (retries === 0 || !(error instanceof FormatError || error instanceof NotFoundError)) throw error;
        const now = await requireManifest(this.#host.files, this.folder);
        if (JSON.stringify(now) === JSON.stringify(manifest)) throw error;
        await onChange?.();
        this.#manifest = now;
      }
    }
  }

  async #closeSearch(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    this.#opened = undefined;
    await opened?.search.dispose();
  }

  async #reread(): Promise<void> {
    await this.#closeSearch();
    this.#manifest = await requireManifest(this.#host.files, this.folder);
  }
}

/** What makes vectors of a space again; a projection is not in it. */
function optionsOf(space: EmbeddingSpace): EmbedderOptions {
  const { layer, pooling, transform, views, precision, power, normalize } = space;
  return { layer, transform, views, precision, power, normalize, ...(pooling === "none" ? {} : { pooling }) };
}

const isBelow = (path: string, folder: string): boolean =>
  path.startsWith(folder) && /^[/\\]/.test(path.slice(folder.replace(/[/\\]$/, "").length));

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
