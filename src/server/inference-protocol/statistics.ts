// Statistics as Triton gives them: counts, and sums of nanoseconds.
import type { ServedModel } from "../models/served-model.ts";
import type { Duration, TaskStatistics } from "../models/statistics.ts";

const inNanoseconds = ({ count, milliseconds }: Duration) => ({ count, ns: Math.round(1e6 * milliseconds) });
const NOTHING: Duration = { count: 0, milliseconds: 0 };

/** Of the task that /infer runs: the first that the model answers. */
export function modelStatistics({ name, version, taskNames, statistics }: ServedModel) {
  const of: TaskStatistics = statistics[taskNames[0] ?? "classify"];
  return {
    name,
    version,
    last_inference: of.lastAnswerAt,
    inference_count: of.run.count,
    execution_count: of.runs,
    inference_stats: {
      success: inNanoseconds(of.success),
      fail: inNanoseconds(of.fail),
      queue: inNanoseconds(of.queue),
      compute_input: inNanoseconds(of.decode),
      compute_infer: inNanoseconds(of.run),
      compute_output: inNanoseconds(NOTHING),
    },
    batch_stats: [...of.batches]
      .sort(([a], [b]) => a - b)
      .map(([batch_size, duration]) => ({
        batch_size,
        compute_input: inNanoseconds(NOTHING),
        compute_infer: inNanoseconds(duration),
        compute_output: inNanoseconds(NOTHING),
      })),
  };
}
