// Pictures and texts as vectors, in a page.
import type { FetchOptions, WebModelSource } from "../platform/web/model-source.ts";
import {
  type EmbedderOptions,
  type Embedder as EmbedderTask,
  type EmbedOptions,
  loadEmbedder,
} from "../tasks/embed/embedder.ts";
import type { Answered } from "../tasks/engine/picture-stream.ts";
import {
  loadTextEmbedder,
  type TextEmbedderOptions,
  type TextEmbedder as TextEmbedderTask,
} from "../tasks/zero-shot/text-embedder.ts";
import { loadFrom, type PictureSource, type PictureSources } from "./sources.ts";

/** Turns pictures into vectors. */
export interface Embedder extends Omit<EmbedderTask, "embed" | "embedAll" | "embedViews"> {
  embed(picture: PictureSource, options?: EmbedOptions): Promise<Float32Array>;
  embed(pictures: readonly PictureSource[], options?: EmbedOptions): Promise<Float32Array[]>;
  embedAll(pictures: PictureSources, options?: EmbedOptions): AsyncGenerator<Answered<PictureSource, Float32Array>>;
  embedViews(pictures: PictureSources, options?: EmbedOptions): AsyncGenerator<Answered<PictureSource, Float32Array[]>>;
}

export const Embedder = {
  /** Throws what `Classifier.load` throws. */
  load: (source: WebModelSource, options: EmbedderOptions & FetchOptions = {}): Promise<Embedder> =>
    loadFrom(source, options, (host, model) => loadEmbedder(host, model, options)),
};

/** Turns texts into vectors that pictures' are compared with. */
export type TextEmbedder = TextEmbedderTask;

export const TextEmbedder = {
  /**
   * Loads a text model: a folder with its vocabulary, chosen by a person or on a server, or a registered name that was pulled.
   *
   * @throws NotFoundError without weights or a vocabulary; UsageError for a model of pictures; what `Classifier.load` throws
   */
  load: (source: WebModelSource, options: TextEmbedderOptions & FetchOptions = {}): Promise<TextEmbedder> =>
    loadFrom(source, options, (host, model) => loadTextEmbedder(host, model, options)),
};
