// The models of a server by name and version: loading, reloading and unloading them without a request that is dropped.
import { NotFoundError, SaccadeError } from "../../errors.ts";
import { loadModel } from "../../model-folder/load.ts";
import { didYouMean } from "../../nearest-name.ts";
import type { NodeHost } from "../../platform/node/host.ts";
import { type ServerConfig, TASKS, type TaskName } from "../config.ts";
import { DrainingError, RequestError } from "../failures.ts";
import type { ServerMetrics, TaskLabels } from "../metrics.ts";
import type { Clock } from "../queue/batch-queue.ts";
import type { DecodingMemory } from "./decoding-memory.ts";
import { type OpenTasks, ServedModel } from "./served-model.ts";
import { ServedTask } from "./served-task.ts";
import type { TaskStatistics } from "./statistics.ts";
import { OPENERS, type TaskEngine, usualTasks } from "./task-engine.ts";

const NONE = "the server was started without a model: saccade serve MODEL";

/** An engine that dies at once again is not started for every request. */
const REVIVE_EVERY_MS = 10_000;

export interface RepositoryOptions {
  readonly host: NodeHost;
  readonly config: ServerConfig;
  readonly clock: Clock;
  readonly metrics: ServerMetrics;
  readonly decoding: DecodingMemory;
  readonly onNotice: (line: string) => void;
}

export class ModelRepository {
  readonly #options: RepositoryOptions;
  readonly #models: readonly ServedModel[];
  /** By model: what is being done to it, one after another. */
  readonly #changes = new Map<ServedModel, Promise<unknown>>();
  /** When its engine died and it was loaded again. */
  readonly #revivedAt = new WeakMap<ServedModel, number>();
  #isDraining = false;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    this.#models = options.config.models.map((entry) => new ServedModel(entry));
    if (options.config.triton_metrics) options.metrics.addTriton(() => this.#statistics());
  }

  get models(): readonly ServedModel[] {
    return this.#models;
  }

  /** Whether every model that is to answer does. */
  get isReady(): boolean {
    return !this.#isDraining && this.#models.every(({ state, isReady }) => state === "unloaded" || isReady);
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * A model by its name, and its version where there are several: without one, the last that was named.
   *
   * @throws NotFoundError
   */
  find(name: string, version?: string): ServedModel {
    const found = this.#models.findLast(
      (model) => model.name === name && (version === undefined || model.version === version),
    );
    if (found !== undefined) return found;
    const known = this.#models.map((model) => `${model.name}@${model.version}`);
    const near = didYouMean(
      name,
      this.#models.map((model) => model.name),
    );
    const reference = version === undefined ? name : `${name}@${version}`;
    throw new NotFoundError("model", reference, known.length === 0 ? NONE : `${near}there are: ${known.join(", ")}`);
  }

  /** "flowers", "flowers@2", or undefined: the first that answers the task. @throws NotFoundError */
  findFor(task: TaskName, reference: string | undefined): ServedModel {
    if (reference !== undefined) {
      const [name = "", version] = reference.split("@", 2);
      return this.find(name, version);
    }
    const found = this.#models.find(({ taskNames }) => taskNames.includes(task)) ?? this.#models[0];
    if (found === undefined) throw new RequestError(404, "no_such_task", `nothing is served for ${task}`, NONE);
    return found;
  }

  /** Loads a model, or loads it again: requests go to the one before until the new one is there. Throws what loading throws. */
  load(model: ServedModel): Promise<void> {
    return this.#change(model, async () => {
      if (this.#isDraining) throw new DrainingError();
      model.state = "loading";
      const before = model.tasks;
      try {
        model.tasks = await this.#open(model);
        model.state = "ready";
        model.reason = undefined;
      } catch (error) {
        model.state = before === undefined ? "failed" : "ready";
        model.reason = error instanceof SaccadeError ? error.message : "it could not be loaded";
        throw error;
      }
      await closeTasks(before);
    });
  }

  /** Answers what was taken, then frees the model's memory. */
  unload(model: ServedModel): Promise<void> {
    return this.#change(model, async () => {
      const tasks = model.tasks;
      model.state = "unloading";
      model.tasks = undefined;
      await closeTasks(tasks);
      model.state = "unloaded";
    });
  }

  /** From now on it is not ready, so that nobody is sent here; who asks all the same is answered. */
  beginStop(): void {
    this.#isDraining = true;
  }

  /** Takes nothing new, answers what was taken, frees everything. */
  async drain(): Promise<void> {
    this.beginStop();
    await Promise.all(this.#models.map((model) => this.unload(model)));
  }

  #change<T>(model: ServedModel, change: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(model) ?? Promise.resolve();
    const done = before.then(change, change);
    this.#changes.set(
      model,
      done.catch(() => undefined),
    );
    return done;
  }

  /** Loads a model again whose engine has died; not again and again. */
  #revive(model: ServedModel, reason: string): void {
    const now = this.#options.clock.now();
    if (this.#isDraining || now - (this.#revivedAt.get(model) ?? Number.NEGATIVE_INFINITY) < REVIVE_EVERY_MS) return;
    this.#revivedAt.set(model, now);
    this.#options.onNotice(`${model.name}@${model.version} is loaded again: ${reason}`);
    // Where that fails too, the model says so (/v1/models, /readyz).
    this.load(model).catch(() => {
      model.tasks = undefined;
      model.state = "failed";
    });
  }

  async #open(model: ServedModel): Promise<OpenTasks> {
    const { entry, statistics } = model;
    const { host, config, onNotice } = this.#options;
    const loaded = await loadModel(host, entry.source, { onNotice });
    const names = entry.tasks ?? config.tasks ?? usualTasks(loaded);
    const options = {
      device: config.device,
      precision: config.precision,
      sessions: config.sessions ?? ("auto" as const),
      onNotice,
      threads: config.threads ?? host.machine.cores,
    };
    const opened: ServedTask<unknown>[] = [];
    const open = async <A>(
      name: TaskName,
      opener: () => Promise<TaskEngine<A>>,
    ): Promise<ServedTask<A> | undefined> => {
      if (!names.includes(name)) return undefined;
      const labels = { model: entry.name, version: entry.version, task: name };
      const task = await ServedTask.open(await opener(), this.#taskOptions(model, labels, statistics[name]));
      opened.push(task);
      return task;
    };
    try {
      const byName = {
        classify: await open("classify", () => OPENERS.classify(host, loaded, options)),
        embed: await open("embed", () => OPENERS.embed(host, loaded, options)),
        detect: await open("detect", () => OPENERS.detect(host, loaded, options)),
        segment: await open("segment", () => OPENERS.segment(host, loaded, options)),
        faces: await open("faces", () => OPENERS.faces(host, loaded, options)),
        restore: await open("restore", () => OPENERS.restore(host, loaded, options)),
      };
      return { card: loaded.card, device: opened[0]!.engine.device, byName };
    } catch (error) {
      for (const task of opened) await task.close();
      throw error;
    }
  }

  #taskOptions(model: ServedModel, labels: TaskLabels, statistics: TaskStatistics) {
    const { host, config, clock, metrics, decoding } = this.#options;
    const { max_queue: maxQueue, max_pixels: maxPixels, max_batch: maxBatch, max_delay_ms: maxDelayMs } = config;
    return {
      host,
      clock,
      maxQueue,
      maxPixels,
      overload: { from: config.overload_from, floor: config.overload_floor },
      batching: {
        ...(maxBatch === undefined ? {} : { maxBatch }),
        ...(maxDelayMs === undefined ? {} : { maxDelayMs }),
      },
      memory: decoding,
      observer: metrics.queueObserver(labels, maxQueue, statistics),
      onDeath: ({ message }: SaccadeError) => this.#revive(model, message),
    };
  }

  *#statistics() {
    for (const { name, version, taskNames, statistics } of this.#models)
      for (const task of taskNames) yield { labels: { model: name, version, task }, statistics: statistics[task] };
  }
}

async function closeTasks(tasks: OpenTasks | undefined): Promise<void> {
  for (const name of TASKS) await tasks?.byName[name]?.close();
}
