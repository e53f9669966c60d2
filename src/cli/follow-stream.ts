// What commands that follow moving pictures share: answers as they come, a drawing that is kept up to date, and how it ends.
import { AbortedError } from "../errors.ts";
import type { StreamCounts } from "../tasks/stream/results.ts";
import type { Frame, LiveFrames } from "../video/video.ts";
import type { Terminal } from "./terminal.ts";

/** A drawing is replaced at most this often. */
const DRAWING_MS = 1000;
/** The live line is. */
const STATUS_MS = 100;

export type ShowAnswer<A> = (answer: A) => void;

export interface Following<A> {
  readonly show: ShowAnswer<A>;
  /** Draws a frame and its answer. Default: nothing is drawn. */
  readonly draw?: (frame: Frame, answer: A) => Promise<void>;
  /** Whether there is something else to draw than before. Default: always. */
  readonly isNew?: (answer: A) => boolean;
  /** What it came to. */
  readonly summary: (seconds: number) => string;
}

/** Shows answers until the source ends or somebody stops it: to be stopped is how a camera's stream ends. */
export async function followStream<A>(
  stream: { follow(source: LiveFrames): AsyncGenerator<A, void> },
  frames: LiveFrames,
  terminal: Terminal,
  { show, draw, isNew = () => true, summary }: Following<A>,
): Promise<void> {
  const taken = remembering(frames);
  const start = performance.now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let undrawn: { readonly frame: Frame; readonly answer: A } | undefined;
  const drawLast = async () => {
    if (draw === undefined || undrawn === undefined) return;
    const { frame, answer } = undrawn;
    undrawn = undefined;
    drawnAt = performance.now();
    await draw(frame, answer);
  };
  try {
    for await (const answer of stream.follow(taken.frames)) {
      if (terminal.outputClosed && draw === undefined) break;
      show(answer);
      if (isNew(answer)) undrawn = { frame: taken.last!, answer };
      if (performance.now() - drawnAt >= DRAWING_MS) await drawLast();
    }
  } catch (error) {
    if (!(error instanceof AbortedError) || !terminal.signal.aborted) throw error;
  } finally {
    await drawLast();
    terminal.status("");
    terminal.note(summary((performance.now() - start) / 1000));
  }
}

/** The source, and the frame that was taken from it last. */
function remembering(frames: LiveFrames): { readonly frames: LiveFrames; readonly last: Frame | undefined } {
  let last: Frame | undefined;
  return {
    get last() {
      return last;
    },
    frames: {
      facts: frames.facts,
      get dropped() {
        return frames.dropped;
      },
      async next() {
        last = await frames.next();
        return last;
      },
      [Symbol.asyncDispose]: () => frames[Symbol.asyncDispose](),
    },
  };
}

export interface Changes<A> {
  /** What is compared with the answer before. */
  name(answer: A): string;
  /** The line where it changes, behind its time. */
  line(answer: A, name: string): string;
  /** What is under way. */
  live(answer: A, elapsed: number): string;
}

/** A line where the answer changes, and one that lives below them. */
export function changesOf<A extends { readonly seconds: number }>(
  terminal: Terminal,
  { name, line, live }: Changes<A>,
): ShowAnswer<A> {
  let said: string | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  const start = performance.now();
  return (answer) => {
    const named = name(answer);
    if (named !== said) {
      said = named;
      terminal.out(`${clock(answer.seconds)}  ${line(answer, named)}\n`);
    }
    const now = performance.now();
    if (now - shownAt < STATUS_MS) return;
    shownAt = now;
    terminal.status(live(answer, (now - start) / 1000));
  };
}

/** 62.51 -> "1:02.5" */
export function clock(seconds: number): string {
  const tenths = Math.max(0, Math.floor(10 * seconds));
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60];
  const rest = `${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** "; 12.0 ms a frame, at most 40"; nothing where there was no frame. */
export function meanLatency({ frames, latency }: StreamCounts): string {
  if (frames === 0) return "";
  return `; ${(latency.totalMs / frames).toFixed(1)} ms a frame, at most ${latency.longestMs.toFixed(0)}`;
}
