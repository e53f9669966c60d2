// A video of pictures in memory, which counts what is decoded and held.
import { AbortedError, UsageError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";
import type { Frame, ReadVideoOptions, Video, VideoFacts } from "./video.ts";

export interface MemoryVideoOptions {
  readonly name?: string;
  /** Default: 25 frames a second from 0 on. */
  readonly times?: Float64Array;
  /** The frame that nobody can decode any more: the video is cut off there. */
  readonly cutOffAt?: number;
}

export class MemoryVideo implements Video {
  readonly name: string;
  readonly facts: VideoFacts;
  /** Numbers of the frames that were decoded, in that order. */
  readonly decoded: number[] = [];
  isOpen = true;
  readonly #pictures: readonly RawImage[];
  readonly #times: Float64Array;
  readonly #cutOffAt: number;

  constructor(pictures: readonly RawImage[], options: MemoryVideoOptions = {}) {
    const [{ width, height } = { width: 0, height: 0 }] = pictures;
    this.name = options.name ?? "the video";
    this.#pictures = pictures;
    this.#times = options.times ?? Float64Array.from(pictures, (_, i) => i / 25);
    this.#cutOffAt = options.cutOffAt ?? pictures.length;
    this.facts = { width, height, rotation: 0, codec: "frames", container: "memory", bitDepth: 8, hasAudio: false };
  }

  async timestamps(): Promise<Float64Array> {
    return this.#times;
  }

  async *read({ start = -1e9, end = 1e9, signal }: ReadVideoOptions = {}): AsyncGenerator<Frame, void> {
    const inside = [...this.#times.keys()].filter((i) => this.#times[i]! >= start && this.#times[i]! < end);
    yield* this.frames(inside, signal);
  }

  async *frames(indices: readonly number[], signal?: AbortSignal): AsyncGenerator<Frame, void> {
    for (const [at, index] of indices.entries()) {
      if (signal?.aborted === true) throw new AbortedError("reading the video");
      if (at > 0 && index <= indices[at - 1]!) throw new UsageError("frames are asked for in ascending order");
      const image = this.#pictures[index];
      if (image === undefined) throw new UsageError(`there is no frame ${index}`);
      if (index >= this.#cutOffAt) return;
      this.decoded.push(index);
      yield { image, index, seconds: this.#times[index]! };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isOpen = false;
  }
}

/** Frames of one colour each, whose red tells their number. */
export function numberedFrames(count: number, width = 8, height = 6): RawImage[] {
  return Array.from({ length: count }, (_, i) => ({
    width,
    height,
    data: new Uint8Array(3 * width * height).fill(i % 256),
  }));
}
