// Between the state of a compiled train step, named by the step's inputs, and a checkpoint, which keeps parameters as a model and the rest beside it.
import { SaccadeError, UsageError } from "../../errors.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import type { TensorData } from "../../tensor.ts";
import type { StateTensor } from "../updates.ts";

/** The tensors of a checkpoint. */
export interface CheckpointTensors {
  /** The model with its parameters of this moment, frozen ones included. */
  readonly model: NativeModel;
  /** Optimiser states, moving averages and gradient accumulators, by the train step's input name. */
  readonly optimizer: ReadonlyMap<string, TensorData>;
}

/**
 * Sorts what a session's `readState` gave into a checkpoint's tensors. Nothing is copied.
 * @param model the model as it is in memory: its card and its frozen parameters are kept, its trained ones replaced.
 * @throws UsageError naming the state tensors that `values` lacks.
 */
export function tensorsOfState(
  model: NativeModel,
  state: readonly StateTensor[],
  values: Readonly<Record<string, TensorData>>,
): CheckpointTensors {
  const absent = state.filter(({ input }) => values[input] === undefined);
  if (absent.length > 0) throw new UsageError(`no values of the state tensors ${shorten(absent.map((s) => s.input))}`);
  const weights = new Map(model.weights);
  const optimizer = new Map<string, TensorData>();
  for (const { input, parameter, role } of state) {
    if (isWeight(role)) weights.set(parameter, values[input]!);
    else optimizer.set(input, values[input]!);
  }
  return { model: { ...model, weights }, optimizer };
}

/**
 * What to feed a fresh session of the train step so that it goes on where the checkpoint was taken, by input name. Nothing is copied.
 * @param where names the checkpoint in messages.
 * @throws SaccadeError "checkpoint_mismatch" listing every tensor that is missing, left over, or of another shape or dtype.
 */
export function stateOfTensors(
  tensors: CheckpointTensors,
  state: readonly StateTensor[],
  where: string,
): Record<string, TensorData> {
  const feeds: Record<string, TensorData> = {};
  const missing: string[] = [];
  const different: string[] = [];
  for (const { input, parameter, role, shape } of state) {
    const value = isWeight(role) ? tensors.model.weights.get(parameter) : tensors.optimizer.get(input);
    if (value === undefined) missing.push(input);
    else if (value.dtype !== "float32" || !sameShape(value.shape, shape))
      different.push(`${input} is ${describe(value.dtype, value.shape)} but must be ${describe("float32", shape)}`);
    else feeds[input] = value;
  }
  const known = new Set(state.filter(({ role }) => !isWeight(role)).map(({ input }) => input));
  const unexpected = [...tensors.optimizer.keys()].filter((name) => !known.has(name));
  if (missing.length + unexpected.length + different.length > 0)
    throw misfit(where, { missing, unexpected, different });
  return feeds;
}

/** What a checkpoint keeps as the model itself. */
const isWeight = (role: StateTensor["role"]) => role === "parameter" || role === "buffer";

function misfit(
  where: string,
  lists: { missing: readonly string[]; unexpected: readonly string[]; different: readonly string[] },
): SaccadeError {
  const line = (title: string, names: readonly string[]) =>
    names.length === 0 ? "" : `\n  ${title} (${names.length}): ${shorten(names)}`;
  return new SaccadeError(
    "checkpoint_mismatch",
    `${where} does not fit this training${line("missing", lists.missing)}${line("unexpected", lists.unexpected)}${line("different", lists.different)}`,
    {
      hint: "a run goes on with the model, optimiser, freezing, moving average and accumulation that it began with",
      data: { where, ...lists },
    },
  );
}

const describe = (dtype: string, shape: readonly number[]) => `${dtype}[${shape.join(", ")}]`;

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

function shorten(names: readonly string[]): string {
  return `${names.slice(0, 12).join(", ")}${names.length > 12 ? `, and ${names.length - 12} more` : ""}`;
}
