// What a staged session and its worker say to each other.
import type { EngineRequest, Failure, Loaded, NamedTensor } from "./protocol.ts";

/** A stage on its way to the engine. */
export interface StageFile {
  readonly stage: string;
  readonly model: Uint8Array;
}

export type ToStagedWorker<Surroundings = unknown> =
  | ({ readonly type: "load stages"; readonly stages: readonly StageFile[] } & Omit<
      EngineRequest<Surroundings>,
      "state"
    >)
  | {
      readonly type: "step";
      readonly run: number;
      readonly stage: string;
      readonly feeds: readonly NamedTensor[];
      /** Of what the run holds: positions of the rows that go on. undefined: all of them. */
      readonly rows: readonly number[] | undefined;
      readonly outputs: readonly string[];
      readonly keep: Readonly<Record<string, string>>;
      readonly reads: readonly string[];
    }
  /** The only message that has no answer. */
  | { readonly type: "end"; readonly run: number }
  | { readonly type: "dispose" };

export interface LoadedStage extends Loaded {
  readonly stage: string;
}

export type FromStagedWorker =
  | { readonly type: "notice"; readonly line: string }
  | { readonly type: "staged"; readonly stages: readonly LoadedStage[] }
  | { readonly type: "result"; readonly outputs: readonly NamedTensor[] }
  | { readonly type: "failed"; readonly failure: Failure };
