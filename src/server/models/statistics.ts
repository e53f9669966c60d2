// What a task of a model has done since the server started: counts and times, in the terms of Triton's statistics and for everybody's metrics.

/** Sums of milliseconds over so many. */
export interface Duration {
  count: number;
  milliseconds: number;
}

const none = (): Duration => ({ count: 0, milliseconds: 0 });

export class TaskStatistics {
  /** Date and time of the last answer, milliseconds since 1970; 0: none yet. */
  lastAnswerAt = 0;
  readonly success = none();
  readonly fail = none();
  readonly decode = none();
  readonly queue = none();
  readonly run = none();
  /** Runs by their number of pictures. */
  readonly batches = new Map<number, Duration>();

  /** Runs of all sizes. */
  get runs(): number {
    return [...this.batches.values()].reduce((sum, { count }) => sum + count, 0);
  }

  answered(times: { readonly decodeMs: number; readonly queueMs: number; readonly runMs: number }, at: number): void {
    this.lastAnswerAt = at;
    add(this.decode, times.decodeMs);
    add(this.queue, times.queueMs);
    add(this.run, times.runMs);
    add(this.success, times.decodeMs + times.queueMs + times.runMs);
  }

  failed(milliseconds: number): void {
    add(this.fail, milliseconds);
  }

  ran(pictures: number, milliseconds: number): void {
    const known = this.batches.get(pictures) ?? none();
    this.batches.set(pictures, known);
    add(known, milliseconds);
  }
}

function add(duration: Duration, milliseconds: number): void {
  duration.count++;
  duration.milliseconds += milliseconds;
}
