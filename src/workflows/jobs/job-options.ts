// What a program asks of a task: the task's own options, in the library's spelling. Files and plans spell the same names with underscores.
import type { JobTask, JobTaskName, JobTasks } from "./job-tasks.ts";

type OptionsOf<T extends JobTaskName> = JobTasks[T] extends JobTask<infer O> ? O : never;

/** "top_k" is `topK`. */
type Camel<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest>>}`
  : Name;

/**
 * Options of a task, all of them with defaults.
 *
 * @example const options: JobOptions<"classify"> = { topK: 3, threshold: 0.9 };
 */
export type JobOptions<T extends JobTaskName> = {
  readonly [Name in keyof OptionsOf<T> & string as Camel<Name>]?: Exclude<OptionsOf<T>[Name], undefined>;
};

/** As plans have them. What is spelt so already stays as it is. */
export function plannedSpelling(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const spelt = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [spelt(name), value]));
}
