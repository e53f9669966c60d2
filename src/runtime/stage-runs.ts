// The engine's side of a staged session: what every run holds between its steps. Rows of pictures that stop are left out here, where the tensors
// are, so that nothing but answers leaves the engine's thread.
import { SessionError } from "../errors.ts";
import { allocate, elementCount, isShared, type TensorData, type TypedArray } from "../tensor.ts";
import type { StageStep } from "./staged-session.ts";

/** Executes one stage: inputs by name in, the outputs named out. */
export type ExecuteStage = (
  stage: string,
  feeds: Readonly<Record<string, TensorData>>,
  outputs: readonly string[],
) => Promise<Readonly<Record<string, TensorData>>>;

/** A step of the run with this number. */
export type NumberedStep = Omit<StageStep, "signal" | "transferInputs"> & { readonly run: number };

export class StageRuns {
  readonly #inputs: ReadonlyMap<string, readonly string[]>;
  readonly #execute: ExecuteStage;
  readonly #held = new Map<number, Map<string, TensorData>>();

  /** @param inputs the names that each stage reads */
  constructor(inputs: ReadonlyMap<string, readonly string[]>, execute: ExecuteStage) {
    this.#inputs = inputs;
    this.#execute = execute;
  }

  /** Runs that hold something. */
  get size(): number {
    return this.#held.size;
  }

  /** @returns the outputs that were asked for. A step that fails ends its run. */
  async step(step: NumberedStep): Promise<Record<string, TensorData>> {
    const { run, stage, feeds = {}, rows, outputs, keep, reads } = step;
    const before = this.#held.get(run) ?? new Map<string, TensorData>();
    this.#held.delete(run);
    const held = new Map([
      ...[...before].map(([name, value]) => [name, rows === undefined ? value : takeRows(value, rows)] as const),
      ...Object.entries(feeds),
    ]);
    const results = await this.#execute(stage, this.#feedsOf(stage, held), [
      ...new Set([...outputs, ...Object.keys(keep)]),
    ]);
    for (const [output, name] of Object.entries(keep)) held.set(name, results[output]!);
    const kept = [...held].filter(([name]) => reads.includes(name));
    if (kept.length > 0) this.#held.set(run, new Map(kept));
    return Object.fromEntries(outputs.map((name) => [name, results[name]!]));
  }

  /** Lets go of what a run holds. */
  end(run: number): void {
    this.#held.delete(run);
  }

  #feedsOf(stage: string, held: ReadonlyMap<string, TensorData>): Record<string, TensorData> {
    const inputs = this.#inputs.get(stage);
    if (inputs === undefined) throw new SessionError(`there is no stage "${stage}"`);
    return Object.fromEntries(
      inputs.map((name) => {
        const value = held.get(name);
        if (value === undefined)
          throw new SessionError(`the stage "${stage}" reads "${name}", which the run does not hold`);
        return [name, value];
      }),
    );
  }
}

/**
 * The rows at these positions, in their order. Positions that rise are moved up inside the tensor's own memory, which is then the result's: new
 * memory for a batch of pictures costs more than moving them. Shared memory is never written to.
 */
export function takeRows(value: TensorData, positions: readonly number[]): TensorData {
  const [, ...rest] = value.shape;
  const size = elementCount(rest);
  const shape = [positions.length, ...rest];
  const rises = positions.every((from, to) => to === 0 || from > positions[to - 1]!);
  if (!rises || isShared(value.data.buffer))
    return { ...value, shape, data: copyRows(value, positions, size) } as TensorData;
  for (const [to, from] of positions.entries())
    if (from !== to) value.data.copyWithin(to * size, from * size, (from + 1) * size);
  return { ...value, shape, data: value.data.subarray(0, positions.length * size) } as TensorData;
}

function copyRows({ dtype, data }: TensorData, positions: readonly number[], size: number): TypedArray {
  const copy = allocate(dtype, positions.length * size);
  // Both arrays have the dtype's class, which the union over all dtypes cannot say.
  for (const [to, from] of positions.entries())
    copy.set(data.subarray(from * size, (from + 1) * size) as never, to * size);
  return copy;
}
