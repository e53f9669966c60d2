// A model with a gate: its first step says of each picture how many of the steps in between it is given, and the last one answers. What is left out is never
// computed. Every picture goes its own way, so pictures run one at a time.
import { SessionError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import type { ActualDevice } from "./session.ts";
import type { StagedRun, StagedSession, StageInfo } from "./staged-session.ts";

export interface GatedRunOptions {
  /** How many steps in between, whatever the gate says. */
  readonly exit?: number;
  /** Outputs wanted of the first or the last step, whichever has them. */
  readonly outputs: readonly string[];
  readonly signal?: AbortSignal;
}

export interface GatedAnswer {
  readonly outputs: Readonly<Record<string, TensorData>>;
  /** How many steps in between were run. */
  readonly exit: number;
  /** Of each step that was run, in order. */
  readonly milliseconds: readonly number[];
}

const IMAGE = "image";
const EXIT = "exit";
const NEXT = "next.";
const stateName = (output: string) => `state.${output.slice(NEXT.length)}`;

/** Runs a model as its gate says. The session is its own: `dispose` ends it. */
export class GatedSession {
  /** The first step, those in between, and the last one. */
  readonly steps: readonly string[];
  readonly #session: StagedSession;

  /** @throws SessionError for stages of which the first does not say where to leave */
  constructor(steps: readonly string[], session: StagedSession) {
    this.steps = steps;
    this.#session = session;
    if (steps.length < 2 || !this.#at(steps[0]!).outputs.some(({ name }) => name === EXIT))
      throw new SessionError("the first stage of a model with a gate says `exit`, and another one answers");
  }

  get device(): ActualDevice {
    return this.#session.device;
  }

  /** The largest exit: all steps are run. */
  get lastExit(): number {
    return this.steps.length - 2;
  }

  /**
   * @param image one picture, as the first stage takes it
   * @throws SessionError for several pictures or an exit that there is not, and whatever a session throws
   */
  async run(image: TensorData, { exit: asked, outputs, signal }: GatedRunOptions): Promise<GatedAnswer> {
    if (image.shape[0] !== 1)
      throw new SessionError(`a gate lets pictures through one at a time, not ${image.shape[0]} at once`);
    if (asked !== undefined) this.#requireExit(asked);
    const run = this.#session.begin();
    const milliseconds: number[] = [];
    const given: Record<string, TensorData> = {};
    const step = async (stage: string, feeds?: Record<string, TensorData>) => {
      const offered = this.#at(stage).outputs.map(({ name }) => name);
      const wanted = new Set(offered.filter((name) => outputs.includes(name) || name === EXIT));
      const answer = await this.#step(run, stage, [...wanted], { ...(feeds && { feeds }), ...(signal && { signal }) });
      milliseconds.push(answer.milliseconds);
      Object.assign(given, answer.outputs);
    };
    try {
      const [first, ...between] = this.steps.slice(0, -1) as [string, ...string[]];
      await step(first, { [IMAGE]: image });
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
  #step(
    run: StagedRun,
    stage: string,
    outputs: readonly string[],
    options: { readonly feeds?: Record<string, TensorData>; readonly signal?: AbortSignal },
  ) {
    const left = this.#at(stage).outputs.flatMap(({ name }) =>
      name.startsWith(NEXT) ? [[name, stateName(name)] as const] : [],
    );
    const later = this.steps.slice(this.steps.indexOf(stage) + 1);
    const reads = new Set(later.flatMap((name) => this.#at(name).inputs.map((input) => input.name)));
    return run.step({ stage, outputs, keep: Object.fromEntries(left), reads: [...reads], ...options });
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
