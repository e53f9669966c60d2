// A model with a gate as one session: its first step says of each picture how many of the steps in between it is given, and the last one answers. What is left
// out is never computed. Every picture goes its own way, so pictures run one at a time.
import { SessionError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { concatTensors, splitTensor } from "./batching.ts";
import type { ActualDevice, RunOptions, Session, ValueInfo } from "./session.ts";
import type { StagedSession, StageInfo, StageStep } from "./staged-session.ts";

/** The stages of such a model. */
export interface GatedFiles {
  /** The first step, those in between, and the last one. */
  readonly steps: readonly string[];
  /** ONNX bytes by stage. An output `next.NAME` is the input `state.NAME` of later steps. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface GatedRunOptions extends RunOptions {
  /** How many steps in between, whatever the gate says. */
  readonly exit?: number;
}

/** What became of one picture. */
export interface GatedAnswer {
  readonly outputs: Record<string, TensorData>;
  /** How many steps in between were run. */
  readonly exit: number;
  /** Of each step that was run, in order. */
  readonly milliseconds: readonly number[];
}

const EXIT = "exit";
const NEXT = "next.";
const stateName = (output: string) => `state.${output.slice(NEXT.length)}`;

/** The stages of a model, opened, as a session. They are its own: `dispose` ends them. */
export class GatedSession implements Session {
  readonly steps: readonly string[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #session: StagedSession;

  /** @throws SessionError for stages of which the first does not say where to leave */
  constructor(steps: readonly string[], session: StagedSession) {
    this.steps = steps;
    this.#session = session;
    const [first, last] = [steps[0], steps.at(-1)];
    if (first === undefined || last === undefined || steps.length < 2 || !offers(this.#at(first), EXIT))
      throw new SessionError("the first stage of a model with a gate says `exit`, and another one answers");
    this.inputs = this.#at(first).inputs;
    const isAnswer = ({ name }: ValueInfo) => !name.startsWith(NEXT);
    this.outputs = [...this.#at(first).outputs, ...this.#at(last).outputs].filter(isAnswer);
  }

  get device(): ActualDevice {
    return this.#session.device;
  }

  /** The largest exit: all steps are run. */
  get lastExit(): number {
    return this.steps.length - 2;
  }

  async run(
    feeds: Readonly<Record<string, TensorData>>,
    options: GatedRunOptions = {},
  ): Promise<Record<string, TensorData>> {
    const [name, ...others] = Object.keys(feeds);
    const batch = name === undefined ? undefined : feeds[name];
    if (name === undefined || batch === undefined || others.length > 0 || (batch.shape[0] ?? 0) < 1)
      throw new SessionError(`a model with a gate takes "${this.inputs[0]!.name}", and nothing else`);
    const rows = splitTensor(batch, new Array<number>(batch.shape[0]!).fill(1));
    const answers: Record<string, TensorData>[] = [];
    for (const row of rows) answers.push((await this.runOne({ [name]: row }, options)).outputs);
    const given = Object.keys(answers[0]!);
    return Object.fromEntries(given.map((output) => [output, concatTensors(answers.map((one) => one[output]!))]));
  }

  /** One picture, a batch of one. Throws as `run`, and SessionError for an exit that there is not. */
  async runOne(
    feeds: Readonly<Record<string, TensorData>>,
    { exit: asked, outputs = this.outputs.map(({ name }) => name), signal, transferInputs }: GatedRunOptions = {},
  ): Promise<GatedAnswer> {
    if (asked !== undefined) this.#requireExit(asked);
    const unknown = outputs.find((name) => !this.outputs.some((output) => output.name === name));
    if (unknown !== undefined) throw new SessionError(`the model has no output "${unknown}"`);
    const run = this.#session.begin();
    const milliseconds: number[] = [];
    const given: Record<string, TensorData> = {};
    const step = async (stage: string, own: Pick<StageStep, "feeds" | "transferInputs"> = {}) => {
      const wanted = this.#at(stage).outputs.filter(({ name }) => outputs.includes(name) || name === EXIT);
      const answer = await run.step({
        stage,
        outputs: wanted.map(({ name }) => name),
        keep: this.#left(stage),
        reads: this.#readAfter(stage),
        ...(signal === undefined ? {} : { signal }),
        ...own,
      });
      milliseconds.push(answer.milliseconds);
      Object.assign(given, answer.outputs);
    };
    try {
      const [first, ...between] = this.steps.slice(0, -1) as [string, ...string[]];
      await step(first, { feeds, ...(transferInputs === undefined ? {} : { transferInputs }) });
      const exit = asked ?? Number(given[EXIT]!.data[0]);
      this.#requireExit(exit);
      for (const stage of between.slice(0, exit)) await step(stage);
      await step(this.steps.at(-1)!);
      const named = Object.entries(given).filter(([name]) => outputs.includes(name));
      return { outputs: Object.fromEntries(named), exit, milliseconds };
    } finally {
      run.end();
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }

  /** What a stage leaves is there for all that come after it, until one leaves something of the same name. */
  #left(stage: string): Record<string, string> {
    const names = this.#at(stage).outputs.map(({ name }) => name);
    return Object.fromEntries(names.filter((name) => name.startsWith(NEXT)).map((name) => [name, stateName(name)]));
  }

  #readAfter(stage: string): string[] {
    const later = this.steps.slice(this.steps.indexOf(stage) + 1);
    return [...new Set(later.flatMap((name) => this.#at(name).inputs.map((input) => input.name)))];
  }

  #requireExit(exit: number): void {
    if (!Number.isInteger(exit) || exit < 0 || exit > this.lastExit)
      throw new SessionError(`there is no exit ${exit}: they are 0 to ${this.lastExit}`);
  }

  #at(stage: string): StageInfo {
    const info = this.#session.stages.get(stage);
    if (info === undefined) throw new SessionError(`there is no session for the stage "${stage}"`);
    return info;
  }
}

const offers = ({ outputs }: StageInfo, name: string): boolean => outputs.some((output) => output.name === name);
