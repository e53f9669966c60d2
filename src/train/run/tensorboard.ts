// TensorBoard event files of a run. A run that is resumed begins a new file; TensorBoard reads all of a folder in the order of their names.
import { joinBytes } from "../../byte-sources.ts";
import type { Files } from "../../platform/host.ts";
import type { MetricRecord } from "./metrics-log.ts";
import { frameRecord, scalarsEvent, sessionStartEvent, textEvent, versionEvent } from "./tensorboard-events.ts";

export const EVENT_FILE_PREFIX = "events.out.tfevents.";

/** What is appended at once, unless a flush comes first. */
const BUFFER_BYTES = 16_384;
/** Nor are events held back longer than this, for those who watch. */
const BUFFER_SECONDS = 10;

export interface EventWriterOptions {
  /** The machine's name, a part of the file's name. Default "localhost". */
  readonly host?: string;
  /** The step of the checkpoint that a resumed run goes on from: TensorBoard then drops later points of earlier files. */
  readonly resumedStep?: number;
  /** Milliseconds since 1970. Default Date.now. */
  readonly now?: () => number;
}

/** Writes scalars and texts where TensorBoard finds them. Events are buffered: `flush` at checkpoints and at the end. */
export class EventWriter {
  readonly #files: Files;
  readonly #folder: string;
  readonly #host: string;
  readonly #now: () => number;
  #path: string | undefined;
  #buffer: Uint8Array[] = [];
  #bufferedBytes = 0;
  #flushedAt: number;
  /** Flushes run one after another, whether or not the caller waits for each. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param folder the run's folder, which is there. The file is made by the first flush. */
  constructor(files: Files, folder: string, options: EventWriterOptions = {}) {
    this.#files = files;
    this.#folder = folder;
    this.#host = (options.host ?? "localhost").replaceAll(/[^A-Za-z0-9.-]/g, "-");
    this.#now = options.now ?? Date.now;
    this.#flushedAt = this.#now();
    // A new run says so as well: the first start TensorBoard sees is none to forget anything for.
    this.#add(sessionStartEvent(this.#wallTime(), options.resumedStep === undefined ? 0 : options.resumedStep + 1));
  }

  /** The numbers of a line of metrics.jsonl, as `train/loss`, `eval/top1`, … */
  record(record: MetricRecord): Promise<void> {
    return this.scalars(scalarsOf(record), record.step);
  }

  /**
   * Values by tag. Kept as float32.
   * @throws SaccadeError when the disk refuses; nothing is lost, the next flush tries again in a new file.
   */
  scalars(values: Readonly<Record<string, number>>, step: number): Promise<void> {
    return this.#add(scalarsEvent(this.#wallTime(), step, Object.entries(values)));
  }

  /** A text, shown as Markdown. Throws as `scalars` does. */
  text(tag: string, text: string, step: number): Promise<void> {
    return this.#add(textEvent(this.#wallTime(), step, tag, text));
  }

  /** Writes what is buffered; when the promise settles, it is in the file. Throws as `scalars` does. */
  flush(): Promise<void> {
    const done = this.#last.then(() => this.#writeBuffer());
    this.#last = done.catch(() => undefined);
    return done;
  }

  #add(event: Uint8Array): Promise<void> {
    const record = frameRecord(event);
    this.#buffer.push(record);
    this.#bufferedBytes += record.length;
    const due = this.#bufferedBytes >= BUFFER_BYTES || this.#now() - this.#flushedAt >= BUFFER_SECONDS * 1000;
    return due ? this.flush() : Promise.resolve();
  }

  async #writeBuffer(): Promise<void> {
    if (this.#bufferedBytes === 0) return;
    const count = this.#buffer.length;
    this.#flushedAt = this.#now();
    if (this.#path === undefined) {
      const path = await this.#freePath();
      await this.#files.writeAtomic(path, frameRecord(versionEvent(this.#wallTime())));
      this.#path = path;
    }
    const bytes = joinBytes(this.#buffer.slice(0, count));
    try {
      await this.#files.append(this.#path, bytes);
    } catch (error) {
      // Readers stop at a torn record, so nothing may follow it: what comes next goes to a file of its own.
      this.#path = undefined;
      throw error;
    }
    this.#buffer.splice(0, count);
    this.#bufferedBytes -= bytes.length;
  }

  /** A name after all names there are, as readers go by it: a run may be resumed within the second. */
  async #freePath(): Promise<string> {
    for (let seconds = Math.floor(this.#wallTime()); ; seconds++) {
      const name = `${EVENT_FILE_PREFIX}${String(seconds).padStart(10, "0")}.${this.#host}`;
      const path = this.#files.join(this.#folder, name);
      if ((await this.#files.stat(path)) === undefined) return path;
    }
  }

  #wallTime(): number {
    return this.#now() / 1000;
  }
}

function scalarsOf({ kind, step: _, ...values }: MetricRecord): Record<string, number> {
  const scalars: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === null)
      scalars[`${kind}/${name}`] = Number.NaN; // metrics.jsonl has null for it
    else if (typeof value === "number") scalars[`${kind}/${name}`] = value;
  }
  return scalars;
}
