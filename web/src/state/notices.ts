// What the page has to say: quiet announcements for readers of the screen, and problems that stay until they are put away.
import { signal } from "@preact/signals";
import { isAbort, type Problem, problemOf } from "../problems.ts";

/** The last announcement. Readers of the screen hear it; nobody sees it. */
export const announcement = signal("");

/** Says something that the eye sees anyway. */
export function announce(text: string): void {
  // The same words again are a change only if they were gone in between.
  announcement.value = announcement.value === text ? `${text}\u00a0` : text;
}

export interface ShownProblem extends Problem {
  readonly id: number;
}

/** Problems that concern the page as a whole. What concerns one thing is shown beside that thing. */
export const problems = signal<readonly ShownProblem[]>([]);

let nextId = 0;
const MOST_PROBLEMS = 3;

/** Shows what went wrong; what somebody stopped is nothing. The same words are shown once. */
export function report(error: unknown): void {
  if (isAbort(error)) return;
  const problem = problemOf(error);
  const others = problems.value.filter(({ message }) => message !== problem.message);
  problems.value = [...others, { ...problem, id: nextId++ }].slice(-MOST_PROBLEMS);
}

export function dismiss(id: number): void {
  problems.value = problems.value.filter((problem) => problem.id !== id);
}
