// A video whose frames are decoded by themselves, or in small groups, and whose times are known when it is opened: folders of pictures, animations.
import { UsageError, VideoError } from "../../../errors.ts";
import type { RawImage } from "../../../image/raw-image.ts";
import type { Frame, ReadVideoOptions, Video, VideoFacts } from "../../../video/video.ts";
import { firstAtOrAfter, requireAscending, requireNotAborted } from "../../media/frame-requests.ts";

export interface StillFrames {
  readonly name: string;
  readonly facts: VideoFacts;
  /** In seconds, ascending. */
  readonly times: Float64Array;
  /** Whether its file stops before its end. */
  readonly isCutOff?: boolean;
  /** Pixels of a frame. */
  decode(index: number): Promise<RawImage>;
}

export class StillVideo implements Video {
  readonly name: string;
  readonly facts: VideoFacts;
  readonly #frames: StillFrames;
  #isClosed = false;

  constructor(frames: StillFrames) {
    this.name = frames.name;
    this.facts = frames.facts;
    this.#frames = frames;
  }

  async timestamps(signal?: AbortSignal): Promise<Float64Array> {
    requireNotAborted(signal, this.name);
    return this.#frames.times.slice();
  }

  async *read({ start, end, signal }: ReadVideoOptions = {}): AsyncGenerator<Frame, void> {
    const { times } = this.#frames;
    const from = start === undefined ? 0 : firstAtOrAfter(times, start);
    const to = end === undefined ? times.length : firstAtOrAfter(times, end);
    for (let index = from; index < to; index++) yield this.#frame(index, signal);
    const failure = to === times.length ? await this.cutOff() : undefined;
    if (failure !== undefined) throw failure;
  }

  async cutOff(): Promise<VideoError | undefined> {
    const { isCutOff, times } = this.#frames;
    if (isCutOff !== true) return undefined;
    return new VideoError(`${this.name} is cut off after ${times.length} frames`, {
      code: "video_cut_off",
      hint: "copy or download it again; what came before was given",
      data: { frames: times.length },
    });
  }

  async *frames(indices: readonly number[], signal?: AbortSignal): AsyncGenerator<Frame, void> {
    requireAscending(indices, this.#frames.times.length, this.name);
    for (const index of indices) yield this.#frame(index, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
  }

  async #frame(index: number, signal: AbortSignal | undefined): Promise<Frame> {
    requireNotAborted(signal, this.name);
    if (this.#isClosed) throw new UsageError(`${this.name} has been closed`, "read it before it is disposed of");
    return { image: await this.#frames.decode(index), seconds: this.#frames.times[index]!, index };
  }
}
