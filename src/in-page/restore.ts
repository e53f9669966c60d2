// Pictures to pictures, in a page.
import type { FetchOptions, WebModelSource } from "../platform/web/model-source.ts";
import type { Answered } from "../tasks/engine/picture-stream.ts";
import {
  loadRestorer,
  type RestorationResult,
  type RestoreOptions,
  type RestorerOptions,
  type Restorer as RestorerTask,
} from "../tasks/restore/restorer.ts";
import { loadFrom, type PictureSource, type PictureSources } from "./sources.ts";

/** Gives pictures back as they should be. */
export interface Restorer extends Omit<RestorerTask, "restore" | "restoreAll"> {
  restore(picture: PictureSource, options?: RestoreOptions): Promise<RestorationResult>;
  restore(pictures: readonly PictureSource[], options?: RestoreOptions): Promise<RestorationResult[]>;
  restoreAll(
    pictures: PictureSources,
    options?: RestoreOptions,
  ): AsyncGenerator<Answered<PictureSource, RestorationResult>>;
}

export const Restorer = {
  /** Throws what `Classifier.load` throws, and UsageError for a model that answers something else. */
  load: (source: WebModelSource, options: RestorerOptions & FetchOptions = {}): Promise<Restorer> =>
    loadFrom(source, options, (host, model) => loadRestorer(host, model, options)),
};
