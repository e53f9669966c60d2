// A model whose file fixes the batch, as many exporters do when nobody asks them not to, as one that takes any number of rows: they are run in the
// file's batch, the last one filled up, and the answers to what fills it are dropped.
import { SessionError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { concatTensors, splitTensor } from "./batching.ts";
import type { RunOptions, Session, ValueInfo } from "./session.ts";

/** The batch that all inputs of a session have fixed; undefined where one is free, or has no batch. */
export function fixedBatch(inputs: readonly ValueInfo[]): number | undefined {
  const [batch] = inputs[0]?.shape ?? [];
  if (typeof batch !== "number" || batch < 1) return undefined;
  return inputs.every(({ shape }) => shape[0] === batch) ? batch : undefined;
}

/** The session itself where its batch is free. */
export function withAnyBatch(session: Session): Session {
  const batch = fixedBatch(session.inputs);
  return batch === undefined ? session : new FixedBatchSession(session, batch);
}

class FixedBatchSession implements Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];

  constructor(
    readonly session: Session,
    readonly batch: number,
  ) {
    const isFree = (value: ValueInfo): ValueInfo =>
      value.shape[0] === batch ? { ...value, shape: ["batch", ...value.shape.slice(1)] } : value;
    this.inputs = session.inputs.map(isFree);
    this.outputs = session.outputs.map(isFree);
  }

  get device() {
    return this.session.device;
  }

  get closed(): boolean {
    return this.session.closed === true;
  }

  async run(
    feeds: Readonly<Record<string, TensorData>>,
    options: RunOptions = {},
  ): Promise<Record<string, TensorData>> {
    const rows = Object.values(feeds)[0]?.shape[0] ?? 0;
    const isRows = Object.values(feeds).every(({ shape }) => shape.length > 0 && shape[0] === rows);
    // The session says what is wrong with feeds that are no rows.
    if (rows === this.batch || rows === 0 || !isRows) return this.session.run(feeds, options);
    const parts: Record<string, TensorData>[] = [];
    for (let start = 0; start < rows; start += this.batch) {
      const count = Math.min(this.batch, rows - start);
      parts.push(await this.#runPart(partOf(feeds, start, count, this.batch), count, options));
    }
    return Object.fromEntries(
      Object.keys(parts[0]!).map((name) => [name, concatTensors(parts.map((part) => part[name]!))]),
    );
  }

  async #runPart(feeds: Record<string, TensorData>, count: number, options: RunOptions) {
    const outputs = await this.session.run(feeds, options);
    const rowsOf = (name: string, value: TensorData): TensorData => {
      if (value.shape[0] === this.batch) return splitTensor(value, [count, this.batch - count])[0]!;
      // Exported for one picture, some models leave the batch out.
      if (this.batch === 1) return { ...value, shape: [1, ...value.shape] };
      throw new SessionError(
        `the output "${name}" is [${value.shape.join(", ")}] for a batch of ${this.batch}: what belongs to which picture is not known`,
        { hint: `run ${this.batch} pictures at a time, or export the model with a free batch` },
      );
    };
    return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, rowsOf(name, value)]));
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}

/** Rows of feeds, with the last one again and again where there are fewer than a batch. */
function partOf(
  feeds: Readonly<Record<string, TensorData>>,
  start: number,
  count: number,
  batch: number,
): Record<string, TensorData> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => {
      const rows = value.shape[0]!;
      const [, part] = splitTensor(value, [start, count, rows - start - count]) as [TensorData, TensorData];
      const [, last] = splitTensor(part, [count - 1, 1]) as [TensorData, TensorData];
      return [name, concatTensors([part, ...Array.from({ length: batch - count }, () => last)])];
    }),
  );
}
