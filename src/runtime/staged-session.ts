// Several models in one engine, that hand tensors to each other inside it: the stages of a model that can stop early. Implementations live in
// platform/; what the engine's side of one does with tensors, on every platform, is `StageRuns`.
import type { TensorData } from "../tensor.ts";
import type { ActualDevice, ValueInfo } from "./session.ts";

/** What one stage reads and gives. */
export interface StageInfo {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** One step of a run. */
export interface StageStep {
  readonly stage: string;
  /** Tensors that the run holds from now on, each under its name. */
  readonly feeds?: Readonly<Record<string, TensorData>>;
  /** The feeds' memory is given away, as in `RunOptions`. */
  readonly transferInputs?: boolean;
  /** The rows of what is held already that go on, as positions; all others are dropped before the stage runs. Default: all of them. */
  readonly rows?: readonly number[];
  /** Outputs to hand back. */
  readonly outputs: readonly string[];
  /** Outputs that the run holds afterwards: output -> the name by which later stages read it. */
  readonly keep: Readonly<Record<string, string>>;
  /** What later steps read. Everything else is dropped after the stage; nothing to read ends the run. */
  readonly reads: readonly string[];
  readonly signal?: AbortSignal;
}

export interface StepAnswer {
  readonly outputs: Record<string, TensorData>;
  /** From handing the step to the engine to having its outputs; waiting for steps of other runs is not counted. */
  readonly milliseconds: number;
}

/** Pictures on their way through stages. What it holds is its own: several runs may be under way. */
export interface StagedRun {
  /**
   * @throws SessionError for unknown names, wrong dtypes or shapes, or a failure of the engine; AbortedError when the signal fires. The run
   *   is of no use afterwards.
   */
  step(step: StageStep): Promise<StepAnswer>;
  /** Lets go of what is held. Idempotent; needed for every run that may not have come to its last step. */
  end(): void;
}

/** Loaded stages. Steps are queued and executed one after another, whatever run they belong to. */
export interface StagedSession {
  readonly device: ActualDevice;
  readonly stages: ReadonlyMap<string, StageInfo>;
  begin(): StagedRun;
  /** Frees the engine's memory. Pending steps reject. Idempotent. */
  dispose(): Promise<void>;
}
