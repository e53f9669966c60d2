// Frames of ffmpeg as they come through a pipe: raw RGB on its standard output, and on its standard error, by the filter showinfo, the time and size
// of each. A few frames are kept ahead; then the pipe is left full, and ffmpeg waits.
import type { RunningProgram } from "./running-program.ts";

export interface PipedFrame {
  /** In units of the stream. */
  readonly pts: number;
  readonly width: number;
  readonly height: number;
  /** RGB, `width * height * 3` bytes. */
  readonly data: Uint8Array;
}

/** Put last in a chain of filters: it says what passes, and changes nothing. */
export const SHOW_FRAMES = "showinfo=checksum=0";

const SHOWN = /^\[Parsed_showinfo_\d+ @ [^\]]*\] (?:\[info\] )?n: *\d+ pts: *(-?\d+|NOPTS) .*? s:(\d+)x(\d+) /;

/** Frames ahead, and bytes of them, whichever is less; one frame at least. */
const AHEAD = { frames: 4, bytes: 64 * 2 ** 20 };

type Announced = Omit<PipedFrame, "data">;

export class FramePipe {
  readonly #run: RunningProgram;
  /** What showinfo has said and whose pixels have not come wholly. */
  readonly #announced: Announced[] = [];
  /** Pixels that came before their size. */
  readonly #early: Uint8Array[] = [];
  readonly #ready: PipedFrame[] = [];
  #pixels: Uint8Array | undefined;
  #filled = 0;
  #wake: (() => void) | undefined;

  /** @param onLine of the program's standard error is to be this pipe's `hear` */
  constructor(start: (onLine: (line: string) => void) => RunningProgram) {
    this.#run = start((line) => this.#hear(line));
    this.#run.output.on("data", (chunk: Uint8Array) => this.#take(chunk));
    void this.#run.ended.then(() => this.#wake?.());
  }

  /** The next frame; undefined when there is none any more, whatever the reason. */
  async next(): Promise<PipedFrame | undefined> {
    for (;;) {
      const frame = this.#ready.shift();
      if (frame !== undefined) {
        this.#balance();
        return frame;
      }
      if (this.#run.isOver) return undefined;
      this.#balance();
      this.#run.wait();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
      if (this.#ready.length > 0) this.#run.rest();
    }
  }

  /** Reads on while there is room, and lets the program wait otherwise. */
  #balance(): void {
    const bytes = this.#ready.reduce((sum, { data }) => sum + data.length, 0);
    const isFull = this.#ready.length >= AHEAD.frames || bytes >= AHEAD.bytes || this.#early.length > 0;
    if (isFull) this.#run.output.pause();
    else this.#run.output.resume();
  }

  #hear(line: string): void {
    const [, pts, width, height] = SHOWN.exec(line) ?? [];
    if (height === undefined) return;
    this.#announced.push({ pts: Number(pts), width: Number(width), height: Number(height) });
    const early = this.#early.splice(0);
    for (const chunk of early) this.#take(chunk);
    if (early.length > 0) this.#balance();
  }

  #take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const announced = this.#announced[0];
      if (announced === undefined) {
        this.#early.push(chunk.subarray(at));
        break;
      }
      this.#pixels ??= uninitialised(announced.width * announced.height * 3);
      const part = chunk.subarray(at, at + this.#pixels.length - this.#filled);
      this.#pixels.set(part, this.#filled);
      at += part.length;
      this.#filled += part.length;
      if (this.#filled === this.#pixels.length) this.#finish(announced, this.#pixels);
    }
    this.#balance();
  }

  #finish(announced: Announced, data: Uint8Array): void {
    this.#announced.shift();
    this.#pixels = undefined;
    this.#filled = 0;
    this.#ready.push({ ...announced, data });
    this.#wake?.();
  }
}

/** Every byte of it will be written. */
function uninitialised(bytes: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(bytes);
  return new Uint8Array(buffer, byteOffset, bytes);
}
