// Videos in a page: opened by the browser's own decoders, and named.
import type { FetchOptions, WebModelSource } from "../platform/web/model-source.ts";
import type { Answered } from "../tasks/engine/picture-stream.ts";
import type { VideoResult } from "../tasks/video/results.ts";
import { loadVideoClassifier, type VideoClassifier as VideoClassifierTask } from "../tasks/video/video-classifier.ts";
import type { ClassifyVideoOptions, VideoClassifierOptions } from "../tasks/video/video-options.ts";
import type { VideoSource as AnyVideoSource, OpenVideoOptions, Video } from "../video/video.ts";
import { loadFrom, pageHost } from "./sources.ts";

/**
 * What a page has as a video: a Blob or File (or its handle), an address (a URL, or a string relative to the page: of it only the parts that are needed are
 * fetched), the bytes of a video file, or the Response of a fetch.
 */
export type VideoSource = AnyVideoSource | FileSystemFileHandle;

/** A source, or a video that is open, which stays open. */
export type ClassifiedVideo = VideoSource | Video;

/** Names what happens in videos. */
export interface VideoClassifier extends Omit<VideoClassifierTask, "classify" | "classifyAll"> {
  /** One video in, one result out; an array in, an array out. Throws on the first video that cannot be read. */
  classify(video: ClassifiedVideo, options?: ClassifyVideoOptions): Promise<VideoResult>;
  classify(videos: readonly ClassifiedVideo[], options?: ClassifyVideoOptions): Promise<VideoResult[]>;
  /** Any number of videos, each with its result or the error why it has none, in their order; the next ones are decoded while clips run. */
  classifyAll(
    videos: Iterable<ClassifiedVideo> | AsyncIterable<ClassifiedVideo>,
    options?: ClassifyVideoOptions,
  ): AsyncGenerator<Answered<ClassifiedVideo, VideoResult>>;
}

export const VideoClassifier = {
  /**
   * Loads a model that sees clips, or one of pictures, whose answers for frames are averaged. The same kinds of sources as `Classifier.load`.
   *
   * @throws UsageError when it gives embeddings instead of class scores; what `Classifier.load` throws
   * @example
   * const classifier = await VideoClassifier.load("saccade/everyday");
   * const { predictions, views } = await classifier.classify(file);
   * const { segments } = await classifier.classify(new URL("film.webm", location.href), { every: 1 });
   */
  load: (source: WebModelSource, options: VideoClassifierOptions & FetchOptions = {}): Promise<VideoClassifier> =>
    loadFrom(source, options, (host, model) => loadVideoClassifier(host, model, options)),
};

/**
 * Opens a video; the browser decodes frames as they are taken.
 *
 * @throws UsageError, NotFoundError, NetworkError, LimitError; VideoError, "video_decoder_missing" where the browser does not decode it
 * @example
 * await using video = await openVideo(file);
 * for await (const { image, seconds } of video.read({ start: 2, end: 3 })) show(image, seconds);
 */
export const openVideo = (source: VideoSource, options?: OpenVideoOptions): Promise<Video> =>
  pageHost.openVideo(source as AnyVideoSource, options);
