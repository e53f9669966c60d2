// Learns in a thread of its own, so that the page goes on: features and labels in, the head and what it doubts out.
import { doubtfulExamples, fitExamples } from "../library.ts";
import { examplesOf, type FromLearning, type LearningTask } from "./learning-task.ts";

/** Where every head that is tried has many rows for many classes, only one is: trying all takes longer than a person waits. */
const MANY = 20_000;
/** From here on its strength is not searched for either: the middle of what would be tried, which did as well where it was measured. */
const VERY_MANY = 500_000;

/** @returns options for `fitExamples` */
function headFor(rows: number, classes: number, width: number): { readonly head?: "ridge"; readonly alpha?: number } {
  if (rows * classes > VERY_MANY) return { head: "ridge", alpha: rows / width };
  return rows * classes > MANY ? { head: "ridge" } : {};
}

interface Scope {
  postMessage(message: FromLearning): void;
  onmessage: ((event: MessageEvent<LearningTask>) => void) | null;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data }) => void learn(data);

async function learn(task: LearningTask): Promise<void> {
  const examples = examplesOf(task);
  try {
    let last = 0;
    const fit = await fitExamples(task.space, examples, {
      ...headFor(examples.length, task.labels.length, task.space.width),
      ...(task.unknown === undefined ? {} : { unknown: task.unknown }),
      onFit: (done) => {
        if (performance.now() - last < 100) return;
        last = performance.now();
        scope.postMessage({ type: "progress", done });
      },
    });
    const { doubts, estimated } = doubtfulExamples(task.space, examples, fit);
    const named = doubts.map(({ example, suggested, confidence }) => ({ hash: example.hash, suggested, confidence }));
    scope.postMessage({ type: "learnt", fit, doubts: named, estimated });
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    scope.postMessage({ type: "failed", message, hint });
  }
}
