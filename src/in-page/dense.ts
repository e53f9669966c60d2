// Where things are and which pixels are what, in a page.
import type { FetchOptions, WebModelSource } from "../platform/web/model-source.ts";
import {
  type DetectOptions,
  type DetectorOptions,
  type Detector as DetectorTask,
  loadDetector,
} from "../tasks/detect/detector.ts";
import type { DetectionResult } from "../tasks/detect/results.ts";
import type { Answered } from "../tasks/engine/picture-stream.ts";
import type { SegmentationResult } from "../tasks/segment/results.ts";
import {
  loadSegmenter,
  type SegmenterOptions,
  type Segmenter as SegmenterTask,
  type SegmentOptions,
} from "../tasks/segment/segmenter.ts";
import {
  type DenseStream,
  type DetectionStreamOptions,
  loadDetectionStream,
  loadSegmentationStream,
  type SegmentationStreamOptions,
} from "../tasks/stream/dense-stream.ts";
import { loadFrom, type PictureSource, type PictureSources } from "./sources.ts";

/** Finds things on pictures. */
export interface Detector extends Omit<DetectorTask, "detect" | "detectAll"> {
  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  detect(picture: PictureSource, options?: DetectOptions): Promise<DetectionResult>;
  detect(pictures: readonly PictureSource[], options?: DetectOptions): Promise<DetectionResult[]>;
  /** Any number of pictures, each with its result or the error why it has none, in their order; the next ones are read while batches run. */
  detectAll(
    pictures: PictureSources,
    options?: DetectOptions,
  ): AsyncGenerator<Answered<PictureSource, DetectionResult>>;
}

export const Detector = {
  /**
   * Loads a model that says where things are. The same kinds of sources as `Classifier.load`.
   *
   * @throws UsageError when it answers something else; what `Classifier.load` throws
   * @example
   * const detector = await Detector.load(file);
   * const { detections } = await detector.detect(video, { threshold: 0.5 });
   */
  load: (source: WebModelSource, options: DetectorOptions & FetchOptions = {}): Promise<Detector> =>
    loadFrom(source, options, (host, model) => loadDetector(host, model, options)),
};

/** Says which pixels of pictures are what. */
export interface Segmenter extends Omit<SegmenterTask, "segment" | "segmentAll"> {
  /** One picture in, one result out; an array in, an array out. Throws on the first picture that cannot be read. */
  segment(picture: PictureSource, options?: SegmentOptions): Promise<SegmentationResult>;
  segment(pictures: readonly PictureSource[], options?: SegmentOptions): Promise<SegmentationResult[]>;
  /** Any number of pictures, each with its result or the error why it has none, in their order; the next ones are read while batches run. */
  segmentAll(
    pictures: PictureSources,
    options?: SegmentOptions,
  ): AsyncGenerator<Answered<PictureSource, SegmentationResult>>;
}

export const Segmenter = {
  /**
   * Loads a model of classes of pixels, or of masks with classes. The same kinds of sources as `Classifier.load`.
   *
   * @throws UsageError when it answers something else; what `Classifier.load` throws
   * @example
   * const segmenter = await Segmenter.load(file);
   * const { segments } = await segmenter.segment(canvas);
   */
  load: (source: WebModelSource, options: SegmenterOptions & FetchOptions = {}): Promise<Segmenter> =>
    loadFrom(source, options, (host, model) => loadSegmenter(host, model, options)),
};

/** Finds things in moving pictures as they come. */
export type DetectionStream = DenseStream<DetectionResult>;

export const DetectionStream = {
  /**
   * Loads a model that says where things are: what a canvas gives of a camera's frames is pushed, and frames that come too fast are dropped.
   *
   * @throws UsageError when it answers something else; what `Classifier.load` throws
   * @example
   * const stream = await DetectionStream.load(file, { threshold: 0.5 });
   * const answer = await stream.push(context.getImageData(0, 0, width, height)); // undefined when a newer frame came before its turn
   */
  load: (source: WebModelSource, options: DetectionStreamOptions & FetchOptions = {}): Promise<DetectionStream> =>
    loadFrom(source, options, (host, model) => loadDetectionStream(host, model, options)),
};

/** Says which pixels of moving pictures are what, as they come. */
export type SegmentationStream = DenseStream<SegmentationResult>;

export const SegmentationStream = {
  /** Loads a model of classes of pixels, or of masks with classes, to which frames are pushed. Throws as `DetectionStream.load`. */
  load: (source: WebModelSource, options: SegmentationStreamOptions & FetchOptions = {}): Promise<SegmentationStream> =>
    loadFrom(source, options, (host, model) => loadSegmentationStream(host, model, options)),
};
