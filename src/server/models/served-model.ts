// A model that a server has a name for: loaded or not, with its tasks, each with its queue.
import type { ModelCard } from "../../model-folder/model.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import { type ModelEntry, TASKS, type TaskName } from "../config.ts";
import { NotReadyError, RequestError } from "../failures.ts";
import type { ServedTask } from "./served-task.ts";
import { TaskStatistics } from "./statistics.ts";
import type { TaskAnswers } from "./task-engine.ts";

export type ModelState = "unloaded" | "loading" | "ready" | "unloading" | "failed";

/** The open tasks of a model. A reload puts others in their place. */
export interface OpenTasks {
  readonly card: ModelCard;
  readonly device: ActualDevice;
  readonly byName: { readonly [T in TaskName]?: ServedTask<TaskAnswers[T]> | undefined };
}

export class ServedModel {
  state: ModelState = "loading";
  /** Why it failed, for people. */
  reason: string | undefined;
  tasks: OpenTasks | undefined;
  /** They outlive reloads. */
  readonly statistics = Object.fromEntries(TASKS.map((name) => [name, new TaskStatistics()])) as Readonly<
    Record<TaskName, TaskStatistics>
  >;

  constructor(readonly entry: ModelEntry) {}

  get name(): string {
    return this.entry.name;
  }

  get version(): string {
    return this.entry.version;
  }

  /** What it answers, once it is loaded. */
  get taskNames(): readonly TaskName[] {
    return TASKS.filter((name) => this.tasks?.byName[name] !== undefined);
  }

  /** Whether it answers: also while it is loaded again. */
  get isReady(): boolean {
    return this.tasks !== undefined && (this.state === "ready" || this.state === "loading");
  }

  /** Throws NotReadyError. */
  requireReady(): OpenTasks {
    if (this.tasks !== undefined && this.isReady) return this.tasks;
    throw new NotReadyError(this.name, this.state);
  }

  /** @throws NotReadyError; RequestError for a task that it was not loaded for */
  requireTask<T extends TaskName>(name: T): ServedTask<TaskAnswers[T]> {
    const task = this.requireReady().byName[name];
    if (task !== undefined) return task;
    throw new RequestError(
      404,
      "no_such_task",
      `the model ${this.name} is not served for ${name}`,
      `start the server with --tasks ${[...this.taskNames, name].join(",")}`,
    );
  }
}
