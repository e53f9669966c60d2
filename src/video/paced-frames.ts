// A video as a live source: frames one after another as they are taken, or at the video's own rate, where those whose time has passed are dropped.
import { AbortedError } from "../errors.ts";
import type { Frame, LiveFrames, Video } from "./video.ts";

export interface PacedOptions {
  /** Frames come when their time has come, as from a camera, and are dropped when nobody took them before the next. Default false: none is dropped. */
  readonly realtime?: boolean;
  readonly signal?: AbortSignal;
}

/** Whoever cannot decode as fast as the video runs is not kept waiting for longer: the video then runs as slowly as it is decoded. */
const LONGEST_CATCHING_UP_MS = 250;

/** The frames of a video as they would come from a camera. It closes the video. */
export function pacedFrames(video: Video, { realtime = false, signal }: PacedOptions = {}): LiveFrames {
  const frames = video.read(signal === undefined ? {} : { signal });
  const take = async (): Promise<Frame | undefined> => {
    const { value, done } = await frames.next();
    return done === true ? undefined : value;
  };
  let start: { readonly at: number; readonly seconds: number } | undefined;
  /** The frame after the one that was given last, which tells whether that one is still the newest. */
  let ahead: Frame | undefined;
  let dropped = 0;
  const untilDue = ({ seconds }: Frame): number =>
    start === undefined ? 0 : start.at + 1000 * (seconds - start.seconds) - performance.now();
  const next = async (): Promise<Frame | undefined> => {
    let frame = ahead ?? (await take());
    ahead = undefined;
    if (frame === undefined || !realtime) return frame;
    start ??= { at: performance.now(), seconds: frame.seconds };
    await waited(untilDue(frame), signal);
    const began = performance.now();
    for (;;) {
      ahead = await take();
      if (ahead === undefined || untilDue(ahead) > 0) return frame;
      if (performance.now() - began > LONGEST_CATCHING_UP_MS) {
        start = { at: performance.now(), seconds: frame.seconds };
        return frame;
      }
      dropped += 1;
      frame = ahead;
    }
  };
  return {
    facts: video.facts,
    get dropped() {
      return dropped;
    },
    next,
    async [Symbol.asyncDispose]() {
      await frames.return();
      await video[Symbol.asyncDispose]();
    },
  };
}

function waited(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (milliseconds <= 0) return Promise.resolve();
  return new Promise((settle, fail) => {
    const stop = () => {
      clearTimeout(timer);
      fail(new AbortedError("following the video", signal?.reason));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      settle();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
