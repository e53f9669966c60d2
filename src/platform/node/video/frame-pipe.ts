// Frames of ffmpeg as they come through a pipe: raw RGB on its standard output, and on its standard error, by the filter showinfo, the time and size
// of each. Of a file a few frames are kept ahead; then the pipe is left full, and ffmpeg waits. Of a live source only the newest frame is kept.
import { type OutputSocket, outputSocket } from "./frame-socket.ts";
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

/** What a pipe hands over at once. */
const SCRATCH_BYTES = 2 ** 16;

/** Frames ahead, and bytes of them, whichever is less; one frame at least. */
const AHEAD = { frames: 4, bytes: 64 * 2 ** 20 };

type Announced = Omit<PipedFrame, "data">;

export type StartProgram = (onLine: (line: string) => void, socket: OutputSocket | undefined) => RunningProgram;

export interface FramePipeOptions {
  /** Whether frames that nobody takes in time make room for newer ones; otherwise the program waits. */
  readonly newestOnly?: boolean;
  /** Every other line of the program's standard error. */
  readonly onLine?: (line: string) => void;
}

export class FramePipe {
  readonly #run: RunningProgram;
  /** Where a socket's bytes go that come before their frame's size is known. */
  #scratch: Uint8Array | undefined;
  /** What showinfo has said and whose pixels have not come wholly. */
  readonly #announced: Announced[] = [];
  /** Pixels that came before their size. */
  readonly #early: Uint8Array[] = [];
  readonly #ready: PipedFrame[] = [];
  readonly #options: FramePipeOptions;
  #pixels: Uint8Array | undefined;
  #filled = 0;
  /** Pixels of a dropped frame, to be written over. */
  #spare: Uint8Array | undefined;
  #dropped = 0;
  #wake: (() => void) | undefined;

  /** @param start starts the program, whose every line of standard error goes to `onLine`, and whose output goes to the socket, if there is one */
  constructor(start: StartProgram, options: FramePipeOptions = {}, socket?: OutputSocket) {
    this.#options = options;
    this.#run = start((line) => this.#hear(line), socket);
    if (socket === undefined) this.#run.output.on("data", (chunk: Uint8Array) => this.#take(chunk));
    void this.#run.ended.then(() => this.#wake?.());
  }

  /** The same through a socket, where there can be one: frames are read to where they will be, and not copied there. */
  static async open(start: StartProgram, options: FramePipeOptions = {}): Promise<FramePipe> {
    let pipe: FramePipe | undefined;
    let room: Uint8Array = new Uint8Array(SCRATCH_BYTES);
    const socket = await outputSocket({
      room: () => {
        if (pipe !== undefined) room = pipe.#space();
        return room;
      },
      took: (bytes) => {
        if (pipe !== undefined) pipe.#took(room, bytes);
      },
    });
    try {
      pipe = new FramePipe(start, options, socket);
    } catch (error) {
      socket?.ours.destroy();
      socket?.theirs.destroy();
      throw error;
    }
    return pipe;
  }

  /** How many frames made room for newer ones. */
  get dropped(): number {
    return this.#dropped;
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
    const isWaiting = this.#early.length > 0; // for what showinfo says of them
    const bytes = this.#ready.reduce((sum, { data }) => sum + data.length, 0);
    const isFull = this.#ready.length >= AHEAD.frames || bytes >= AHEAD.bytes;
    if (isWaiting || (isFull && this.#options.newestOnly !== true)) this.#run.output.pause();
    else this.#run.output.resume();
  }

  #hear(line: string): void {
    const [, pts, width, height] = SHOWN.exec(line) ?? [];
    if (height === undefined) {
      this.#options.onLine?.(line);
      return;
    }
    this.#announced.push({ pts: Number(pts), width: Number(width), height: Number(height) });
    const early = this.#early.splice(0);
    for (const chunk of early) this.#take(chunk);
    if (early.length > 0) this.#balance();
  }

  /** The rest of the frame that comes now, or what will have to be copied. */
  #space(): Uint8Array {
    const announced = this.#announced[0];
    if (announced === undefined) {
      this.#scratch ??= new Uint8Array(SCRATCH_BYTES);
      return this.#scratch;
    }
    this.#pixels ??= this.#room(announced.width * announced.height * 3);
    return this.#pixels.subarray(this.#filled);
  }

  /** @param room as `#space` gave it */
  #took(room: Uint8Array, bytes: number): void {
    this.#run.progressed();
    const announced = this.#announced[0];
    if (announced === undefined || this.#pixels === undefined || room.buffer !== this.#pixels.buffer) {
      this.#take(room.slice(0, bytes));
      return;
    }
    this.#filled += bytes;
    if (this.#filled === this.#pixels.length) this.#finish(announced, this.#pixels);
    this.#balance();
  }

  #take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const announced = this.#announced[0];
      if (announced === undefined) {
        this.#early.push(chunk.subarray(at));
        break;
      }
      this.#pixels ??= this.#room(announced.width * announced.height * 3);
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
    if (this.#options.newestOnly === true && this.#ready.length > 0) {
      this.#spare = this.#ready.pop()!.data;
      this.#dropped++;
    }
    this.#ready.push({ ...announced, data });
    this.#wake?.();
  }

  #room(bytes: number): Uint8Array {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.length === bytes ? spare : uninitialised(bytes);
  }
}

/** Every byte of it will be written. */
function uninitialised(bytes: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(bytes);
  return new Uint8Array(buffer, byteOffset, bytes);
}
