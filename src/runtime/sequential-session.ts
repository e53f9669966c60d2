// A model in steps: each step is a stage, what it leaves is held for the next inside the engine, and between steps the caller says which pictures
// go on. Batches shrink as pictures stop, so stopping early saves real time.
import { SessionError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import type { ActualDevice } from "./session.ts";
import type { StagedRun, StagedSession, StageInfo } from "./staged-session.ts";

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
  /** The images' memory is given away, as in `RunOptions`. */
  readonly transferInputs?: boolean;
  readonly signal?: AbortSignal;
}

const IMAGE = "image";
/** An output `next.NAME` becomes the input `state.NAME` of later steps: one ONNX file cannot have both under one name. */
const NEXT = "next.";
const stateName = (output: string) => `state.${output.slice(NEXT.length)}`;
const isState = (output: string) => output.startsWith(NEXT);
const namesOf = (values: StageInfo["inputs"]) => values.map(({ name }) => name);

/** Runs a model step by step. The session is its own: `dispose` ends it. */
export class SequentialSession {
  /** The stage of each step. */
  readonly steps: readonly string[];
  readonly #session: StagedSession;
  /** By step: what the steps after it read. */
  readonly #readLater: readonly (readonly string[])[];

  /** @throws SessionError when a step needs a state that no earlier step gives: the stages do not belong together */
  constructor(steps: readonly string[], session: StagedSession) {
    this.steps = steps;
    this.#session = session;
    const given = new Set([IMAGE]);
    for (const [step, stage] of steps.entries()) {
      const { inputs, outputs } = this.#at(step);
      const missing = inputs.find(({ name }) => !given.has(name));
      if (missing !== undefined)
        throw new SessionError(`the stage "${stage}" reads "${missing.name}", which no earlier step gives`);
      for (const name of namesOf(outputs)) if (isState(name)) given.add(stateName(name));
    }
    this.#readLater = steps.map((_, step) => [
      ...new Set(steps.slice(step + 1).flatMap((_, i) => namesOf(this.#at(step + 1 + i).inputs))),
    ]);
  }

  get device(): ActualDevice {
    return this.#session.device;
  }

  /** What the first step takes as `image`. */
  get images(): StageInfo["inputs"][number] | undefined {
    return this.#at(0).inputs.find(({ name }) => name === IMAGE);
  }

  /**
   * Runs steps until no picture goes on. Several runs may be under way: their steps take turns.
   *
   * @param images as the first stage takes them: a row a picture
   * @throws whatever a session throws; AbortedError between steps
   */
  async run(images: TensorData, choose: ChooseRows, options: SequentialRunOptions): Promise<void> {
    const run = this.#session.begin();
    try {
      await this.#steps(run, images, choose, options);
    } finally {
      run.end();
    }
  }

  async #steps(
    run: StagedRun,
    images: TensorData,
    choose: ChooseRows,
    { outputs, transferInputs = false, signal }: SequentialRunOptions,
  ): Promise<void> {
    let rows: readonly number[] = Array.from({ length: images.shape[0] ?? 0 }, (_, row) => row);
    let going: readonly number[] | undefined;
    for (const [step, stage] of this.steps.entries()) {
      const offered = namesOf(this.#at(step).outputs);
      const reads = this.#readLater[step]!;
      const answer = await run.step({
        stage,
        ...(step === 0 ? { feeds: { [IMAGE]: images }, transferInputs } : {}),
        ...(going === undefined ? {} : { rows: going }),
        outputs: offered.filter((name) => outputs.includes(name)),
        keep: Object.fromEntries(
          offered.flatMap((name) =>
            isState(name) && reads.includes(stateName(name)) ? [[name, stateName(name)]] : [],
          ),
        ),
        reads,
        ...(signal === undefined ? {} : { signal }),
      });
      const chosen = choose({ step, rows, ...answer });
      if (step === this.steps.length - 1 || chosen.length === 0) return;
      const isAll = chosen.length === rows.length && chosen.every((position, i) => position === i);
      going = isAll ? undefined : chosen;
      rows = chosen.map((position) => rows[position]!);
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }

  #at(step: number): StageInfo {
    const stage = this.steps[step]!;
    const info = this.#session.stages.get(stage);
    if (info === undefined) throw new SessionError(`there is no session for the stage "${stage}"`);
    return info;
  }
}
