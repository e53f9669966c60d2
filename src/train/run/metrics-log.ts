// metrics.jsonl: the curves of a run, one JSON object a line. A line is appended whole by one write; should the process die within it, readers
// pass over the torn end, and the next writer takes it away.
import { UsageError } from "../../errors.ts";
import type { Files } from "../../platform/host.ts";

/** null stands for a number that is not finite, which JSON cannot hold. */
export type MetricValue = number | string | boolean | null;

/** One line, with the file's own spelling. `train` lines are averages since the line before, `eval` lines are of a whole validation set. */
export interface MetricRecord {
  readonly kind: "train" | "eval";
  readonly step: number;
  readonly epoch: number;
  readonly loss?: number | null;
  /** Fraction, 0..1. */
  readonly accuracy?: number | null;
  /** Fraction, 0..1. */
  readonly top1?: number | null;
  /** Fraction, 0..1. */
  readonly top5?: number | null;
  readonly learning_rate?: number | null;
  readonly images_per_second?: number | null;
  /** Global norm before clipping. */
  readonly gradient_norm?: number | null;
  /** Share of the time that the step waited for pictures, 0..1. */
  readonly waited_share?: number | null;
  readonly [name: string]: MetricValue | undefined;
}

export interface Metrics {
  /** In the order of their steps as the run went; of two lines of one kind and step, which a resumed run may write, the later. */
  readonly records: readonly MetricRecord[];
  /** Lines that are no record, a torn end included. */
  readonly damagedLines: number;
}

/**
 * Reads metrics.jsonl, whatever state it is in.
 * @throws NotFoundError when there is no such file.
 */
export async function readMetrics(files: Files, path: string): Promise<Metrics> {
  const text = new TextDecoder().decode(await files.read(path));
  const records = new Map<string, MetricRecord>();
  let damagedLines = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const record = parseRecord(line);
    if (record === undefined) damagedLines++;
    else {
      const key = `${record.kind} ${record.step}`;
      records.delete(key); // or it would keep its earlier place
      records.set(key, record);
    }
  }
  return { records: [...records.values()], damagedLines };
}

function parseRecord(line: string): MetricRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null) return undefined;
  const { kind, step, epoch } = json as Record<string, unknown>;
  const isRecord = (kind === "train" || kind === "eval") && Number.isInteger(step) && typeof epoch === "number";
  return isRecord ? (json as MetricRecord) : undefined;
}

/** Writes metrics.jsonl. */
export class MetricsLog {
  readonly #files: Files;
  readonly #path: string;
  /** Appends run one after another, whether or not the caller waits for each. */
  #last: Promise<unknown> = Promise.resolve();
  #torn = false;

  private constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /**
   * Opens the log of a run, new or resumed.
   * @param resumedStep the step of the checkpoint that the run goes on from: later lines, which it will write again, are deleted, and so is a
   * torn end. A new run gives none; a file that is there is then an error.
   * @throws UsageError for a new run where there is a log.
   *
   * @example const log = await MetricsLog.open(files, run.paths.metrics, checkpoint?.progress.step);
   */
  static async open(files: Files, path: string, resumedStep?: number): Promise<MetricsLog> {
    if ((await files.stat(path)) === undefined) {
      await files.writeAtomic(path, "");
      return new MetricsLog(files, path);
    }
    if (resumedStep === undefined) throw new UsageError(`${path} holds the metrics of another run`);
    const { records } = await readMetrics(files, path);
    const kept = records.filter(({ step }) => step <= resumedStep);
    await files.writeAtomic(path, kept.map(printRecord).join(""));
    return new MetricsLog(files, path);
  }

  /**
   * Adds a line; when the promise settles it is in the file. Numbers that are not finite become null, undefined fields are left out.
   * @throws SaccadeError when the disk refuses; the log can be used further.
   */
  append(record: MetricRecord): Promise<void> {
    const line = printRecord(record);
    const done = this.#last.then(async () => {
      // A failed append may have left the beginning of its line, which must not swallow this one.
      const text = this.#torn ? `\n${line}` : line;
      this.#torn = true;
      await this.#files.append(this.#path, text);
      this.#torn = false;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function printRecord(record: MetricRecord): string {
  return `${JSON.stringify(record)}\n`;
}
