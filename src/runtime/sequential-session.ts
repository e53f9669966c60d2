// A model in steps: each step is a session, what it leaves is handed to the next, and between steps the caller says which pictures go on.
// Batches shrink as pictures stop, so stopping early saves real time.
import { SessionError } from "../errors.ts";
import { allocate, elementCount, type TensorData } from "../tensor.ts";
import type { ActualDevice, Session } from "./session.ts";

/** What one step gave. */
export interface StepResult {
  /** 0, 1, … */
  readonly step: number;
  /** The pictures that took part, as rows of the images that the run began with. */
  readonly rows: readonly number[];
  /** One leading row for each of them. */
  readonly outputs: Readonly<Record<string, TensorData>>;
  readonly milliseconds: number;
}

/** Looks at a step's result and says which of its pictures go on, as positions in `rows`. Not asked after the last step. */
export type ChooseRows = (result: StepResult) => readonly number[];

export interface SequentialRunOptions {
  /** The outputs wanted of every step that has them. */
  readonly outputs: readonly string[];
  readonly signal?: AbortSignal;
}

const IMAGE = "image";
/** An output `next.NAME` becomes the input `state.NAME` of later steps: one ONNX file cannot have both under one name. */
const NEXT = "next.";
const stateName = (output: string) => `state.${output.slice(NEXT.length)}`;
const isState = (output: string) => output.startsWith(NEXT);

/** Runs a model step by step. The sessions are its own: `dispose` ends them. */
export class SequentialSession {
  /** The stage of each step. */
  readonly steps: readonly string[];
  readonly #sessions: ReadonlyMap<string, Session>;

  /** @throws SessionError when a step needs a state that no earlier step gives: the stages do not belong together */
  constructor(steps: readonly string[], sessions: ReadonlyMap<string, Session>) {
    this.steps = steps;
    this.#sessions = sessions;
    const given = new Set([IMAGE]);
    for (const [step, stage] of steps.entries()) {
      const missing = this.#at(step).inputs.find(({ name }) => !given.has(name));
      if (missing !== undefined)
        throw new SessionError(`the stage "${stage}" reads "${missing.name}", which no earlier step gives`);
      for (const { name } of this.#at(step).outputs) if (isState(name)) given.add(stateName(name));
    }
  }

  get device(): ActualDevice {
    return this.#at(0).device;
  }

  /**
   * Runs steps until no picture goes on.
   *
   * @param images (batch, 3, height, width)
   * @throws whatever a session throws; AbortedError between steps
   */
  async run(images: TensorData, choose: ChooseRows, { outputs, signal }: SequentialRunOptions): Promise<void> {
    let rows: readonly number[] = Array.from({ length: images.shape[0] ?? 0 }, (_, row) => row);
    let held = new Map<string, TensorData>([[IMAGE, images]]);
    for (const step of this.steps.keys()) {
      const session = this.#at(step);
      const isLast = step === this.steps.length - 1;
      const wanted = session.outputs
        .map(({ name }) => name)
        .filter((name) => outputs.includes(name) || (!isLast && isState(name)));
      const feeds = Object.fromEntries(session.inputs.map(({ name }) => [name, held.get(name)!]));
      const start = performance.now();
      const results = await session.run(feeds, { outputs: wanted, ...(signal === undefined ? {} : { signal }) });
      const milliseconds = performance.now() - start;
      for (const [name, value] of Object.entries(results)) if (isState(name)) held.set(stateName(name), value);
      const going = choose({ step, rows, outputs: results, milliseconds });
      if (isLast || going.length === 0) return;
      if (going.length < rows.length) {
        held = new Map([...held].map(([name, value]) => [name, takeRows(value, going)]));
        rows = going.map((position) => rows[position]!);
      }
    }
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.dispose()));
  }

  #at(step: number): Session {
    const stage = this.steps[step]!;
    const session = this.#sessions.get(stage);
    if (session === undefined) throw new SessionError(`there is no session for the stage "${stage}"`);
    return session;
  }
}

/** The rows at these positions, in their order. */
export function takeRows(value: TensorData, positions: readonly number[]): TensorData {
  const [, ...rest] = value.shape;
  const size = elementCount(rest);
  const data = allocate(value.dtype, positions.length * size);
  // Both arrays have the dtype's class, which the union over all dtypes cannot say.
  for (const [to, from] of positions.entries())
    data.set(value.data.subarray(from * size, (from + 1) * size) as never, to * size);
  return { dtype: value.dtype, shape: [positions.length, ...rest], data };
}
