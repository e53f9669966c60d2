// Frames one after another, whoever brings them. Nothing is queued: while one is worked on the newest waits, and those before it are dropped and counted.
import { AbortedError, SessionError, UsageError } from "../../errors.ts";
import { type Pixels, rgbPixels } from "../../image/pixels.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { Frame, LiveFrames } from "../../video/video.ts";

export class FrameLine<A> {
  readonly #answer: (frame: Frame) => Promise<A>;
  readonly #signal: AbortSignal | undefined;
  #dropped = 0;
  #isBusy = false;
  /** The newest frame that came meanwhile: the only one that waits. */
  #waiting: { readonly frame: Frame; settle(answer: Promise<A> | undefined): void } | undefined;
  #nextIndex = 0;
  #isClosed = false;

  /** @param answer is never called again before it is done */
  constructor(answer: (frame: Frame) => Promise<A>, signal: AbortSignal | undefined) {
    this.#answer = answer;
    this.#signal = signal;
  }

  /** Frames that were never worked on. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Answers frames until the source ends. The source is closed at the end, whatever ends it.
   *
   * @throws AbortedError when the signal fires, and what the source throws
   */
  async *follow(source: LiveFrames): AsyncGenerator<A, void> {
    const before = this.#dropped;
    try {
      for (;;) {
        if (this.#signal?.aborted === true) throw new AbortedError("following the video", this.#signal.reason);
        const frame = await untilAborted(source.next(), this.#signal);
        this.#dropped = before + source.dropped;
        if (frame === undefined) return;
        yield await this.#alone(frame);
      }
    } finally {
      await source[Symbol.asyncDispose]();
    }
  }

  /** Answers one frame; pixels are of now. Undefined for a frame that was dropped. */
  async push(frame: Frame | Pixels): Promise<A | undefined> {
    const taken = "image" in frame ? frame : this.#frameOf(rgbPixels(frame));
    if (!this.#isBusy) return this.#alone(taken);
    if (this.#waiting !== undefined) {
      this.#dropped += 1;
      this.#waiting.settle(undefined);
    }
    return new Promise((settle) => {
      this.#waiting = { frame: taken, settle };
    });
  }

  /** Drops what waits; nothing more is answered. */
  close(): void {
    this.#isClosed = true;
    this.#waiting?.settle(undefined);
    this.#waiting = undefined;
  }

  #frameOf(image: RawImage): Frame {
    return { image, index: this.#nextIndex++, seconds: performance.now() / 1000 };
  }

  async #alone(frame: Frame): Promise<A> {
    if (this.#isBusy) throw new UsageError("a stream answers one source at a time", "open another one");
    if (this.#isClosed) throw new SessionError("the model has been disposed");
    this.#isBusy = true;
    try {
      return await this.#answer(frame);
    } finally {
      this.#isBusy = false;
      const next = this.#waiting;
      this.#waiting = undefined;
      if (next !== undefined) next.settle(this.#alone(next.frame));
    }
  }
}

/** What a source gives, or the end of patience: a camera may never give another frame. */
async function untilAborted<T>(value: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return value;
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_, fail) => {
    stop = () => fail(new AbortedError("following the video", signal.reason));
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([value, stopped]);
  } finally {
    signal.removeEventListener("abort", stop!);
    value.catch(() => undefined); // nobody waits for it any more
  }
}
