// The pictures of one request through a model's queue, with what is counted about them. One that fails does not take the others with it; the only one does
// take its request.
import { AbortedError, SaccadeError } from "../../errors.ts";
import type { PictureSource } from "../../tasks/engine/pictures.ts";
import type { Service } from "../app.ts";
import type { TaskName } from "../config.ts";
import { DeadlineError, DrainingError, OverloadError } from "../failures.ts";
import type { ServedModel } from "../models/served-model.ts";
import type { Answer, Place, ServedTask } from "../models/served-task.ts";
import type { AskOptions } from "../models/task-engine.ts";
import type { Priority } from "../queue/batch-queue.ts";
import { tracePhases } from "../tracing.ts";

export interface Asking<A> {
  readonly model: ServedModel;
  readonly task: TaskName;
  readonly pictures: readonly PictureSource[];
  readonly asked: AskOptions;
  readonly ask: { readonly priority?: Priority | undefined; readonly timeout_ms?: number | undefined };
  readonly signal: AbortSignal;
  /** Hears of every answer. */
  readonly onAnswer?: (answer: A) => void;
}

/**
 * @returns an answer a picture, or why it has none
 * @throws what failed, where it is the only picture or concerns all of them: OverloadError, DrainingError, DeadlineError, AbortedError
 */
export async function answerPictures<A>(
  { config, clock, metrics }: Pick<Service, "config" | "clock" | "metrics">,
  { model, task, pictures, asked, ask, signal, onAnswer }: Asking<A>,
  served: ServedTask<A>,
): Promise<(Answer<A> | SaccadeError)[]> {
  const labels = { model: model.name, version: model.version, task };
  const statistics = model.statistics[task];
  const began = clock.now();
  const deadline = began + Math.min(config.timeout_ms, ask.timeout_ms ?? config.timeout_ms);
  const context = { priority: ask.priority, deadline, signal };
  const places: Place<A>[] = [];
  try {
    while (places.length < pictures.length) places.push(served.reserve());
  } catch (error) {
    for (const taken of places) taken[Symbol.dispose]();
    throw error;
  }
  const outcomes = await Promise.allSettled(
    pictures.map(async (picture, i) => {
      try {
        const answer = await places[i]!.answer(picture, asked, context);
        statistics.answered(answer, Date.now());
        metrics.answered(labels, answer);
        tracePhases(answer, labels, clock.now());
        onAnswer?.(answer.answer);
        return answer;
      } catch (error) {
        statistics.failed(clock.now() - began);
        metrics.failed(labels, error instanceof SaccadeError ? error.code : "internal");
        throw error;
      } finally {
        places[i]![Symbol.dispose]();
      }
    }),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === "fulfilled") return outcome.value;
    const error: unknown = outcome.reason;
    if (pictures.length > 1 && error instanceof SaccadeError && !concernsAll(error)) return error;
    throw error;
  });
}

function concernsAll(error: SaccadeError): boolean {
  return (
    error instanceof OverloadError ||
    error instanceof DrainingError ||
    error instanceof DeadlineError ||
    error instanceof AbortedError
  );
}
