// What faces are like, in a page.
import type { Box } from "../boxes/box.ts";
import type { FetchOptions, WebModelSource } from "../platform/web/model-source.ts";
import type { Answered } from "../tasks/engine/picture-stream.ts";
import {
  type AnalyzeOptions,
  type FaceAnalyzerOptions,
  type FaceAnalyzer as FaceAnalyzerTask,
  loadFaceAnalyzer,
} from "../tasks/faces/face-analyzer.ts";
import type { FaceResult } from "../tasks/faces/results.ts";
import { loadFrom, type PictureSource } from "./sources.ts";

/** A picture of a face, or one with tight boxes of its faces in pixels. */
export type PageFaceSource = PictureSource | { readonly picture: PictureSource; readonly faces: readonly Box[] };

/** Says what faces are like. */
export interface FaceAnalyzer extends Omit<FaceAnalyzerTask, "analyze" | "analyzeAll"> {
  analyze(picture: PageFaceSource, options?: AnalyzeOptions): Promise<FaceResult>;
  analyze(pictures: readonly PageFaceSource[], options?: AnalyzeOptions): Promise<FaceResult[]>;
  analyzeAll(
    pictures: Iterable<PageFaceSource> | AsyncIterable<PageFaceSource>,
    options?: AnalyzeOptions,
  ): AsyncGenerator<Answered<PageFaceSource, FaceResult>>;
}

export const FaceAnalyzer = {
  /** Throws what `Classifier.load` throws, and UsageError for a model that answers something else. */
  load: (source: WebModelSource, options: FaceAnalyzerOptions & FetchOptions = {}): Promise<FaceAnalyzer> =>
    loadFrom(source, options, (host, model) => loadFaceAnalyzer(host, model, options)),
};
