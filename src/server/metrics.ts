// Numbers for Prometheus, of this server alone: nothing is kept in a registry that others share.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { AnyClassification } from "../tasks/classify/result-json.ts";
import type { TaskName } from "./config.ts";
import type { Answer } from "./models/served-task.ts";
import type { TaskStatistics } from "./models/statistics.ts";
import type { QueueObserver } from "./queue/batch-queue.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128];

/** Whose numbers they are. */
export interface TaskLabels {
  readonly model: string;
  readonly version: string;
  readonly task: TaskName | "search";
}

type TaskLabel = "model" | "version" | "task";
const TASK_LABELS: TaskLabel[] = ["model", "version", "task"];

export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter("saccade_requests_total", "HTTP requests by route and status", [
    "route",
    "status",
  ]);
  readonly #requestSeconds = this.#histogram("saccade_request_seconds", "Time of HTTP requests", ["route"], SECONDS);
  readonly #pictures = this.#counter("saccade_pictures_total", "Pictures answered or failed", [
    ...TASK_LABELS,
    "outcome",
  ]);
  readonly #phases = this.#histogram(
    "saccade_phase_seconds",
    "Time of a picture by phase: decode, queue, run",
    [...TASK_LABELS, "phase"],
    SECONDS,
  );
  readonly #batches = this.#histogram("saccade_batch_size", "Pictures of a run", TASK_LABELS, BATCHES);
  readonly #waiting = this.#gauge("saccade_queue_waiting", "Pictures that wait for a model", TASK_LABELS);
  readonly #fullness = this.#gauge("saccade_queue_fullness", "The same as a share of the queue, 0 to 1", TASK_LABELS);
  readonly #exits = this.#counter("saccade_exits_total", "Pictures by the step after which their model stopped", [
    ...TASK_LABELS,
    "step",
    "reason",
  ]);
  readonly #macs = this.#counter("saccade_macs_total", "Multiply-accumulates of models in steps", TASK_LABELS);
  readonly #savedMacs = this.#counter("saccade_saved_macs_total", "The same that early stops saved", TASK_LABELS);
  readonly #lowered = this.#counter(
    "saccade_lowered_total",
    "Pictures whose budget a crowded queue lowered",
    TASK_LABELS,
  );

  /** A finished HTTP request. @param route the route's pattern, never the address that was asked for */
  request(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, status });
    this.#requestSeconds.observe({ route }, seconds);
  }

  /** Hears what a queue does. */
  queueObserver(labels: TaskLabels, capacity: number, statistics: TaskStatistics): QueueObserver {
    return {
      waiting: (count) => {
        this.#waiting.set({ ...labels }, count);
        this.#fullness.set({ ...labels }, count / capacity);
      },
      batch: (waitedMs, runMs) => {
        this.#batches.observe({ ...labels }, waitedMs.length);
        statistics.ran(waitedMs.length, runMs);
      },
    };
  }

  answered(labels: TaskLabels, times: Pick<Answer<unknown>, "decodeMs" | "queueMs" | "runMs" | "costShare">): void {
    this.#pictures.inc({ ...labels, outcome: "answered" });
    this.#phases.observe({ ...labels, phase: "decode" }, times.decodeMs / 1000);
    this.#phases.observe({ ...labels, phase: "queue" }, times.queueMs / 1000);
    this.#phases.observe({ ...labels, phase: "run" }, times.runMs / 1000);
    if (times.costShare < 1) this.#lowered.inc({ ...labels });
  }

  failed(labels: TaskLabels, code: string): void {
    this.#pictures.inc({ ...labels, outcome: code });
  }

  /** How far a model in steps went. */
  stopped(labels: TaskLabels, { steps, stopped }: AnyClassification, wholeMacs: number | undefined): void {
    const last = steps?.at(-1);
    if (steps === undefined || last === undefined || wholeMacs === undefined) return;
    this.#exits.inc({ ...labels, step: String(steps.length), reason: stopped ?? "complete" });
    this.#macs.inc({ ...labels }, last.macs);
    this.#savedMacs.inc({ ...labels }, Math.max(0, wholeMacs - last.macs));
  }

  /** The text that Prometheus reads, and its media type. */
  async text(): Promise<{ readonly body: string; readonly contentType: string }> {
    return { body: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  /** Adds counters whose values are known elsewhere: Triton's names for the same. */
  addTriton(statistics: () => Iterable<{ readonly labels: TaskLabels; readonly statistics: TaskStatistics }>): void {
    const counters: readonly [name: string, help: string, value: (of: TaskStatistics) => number][] = [
      ["nv_inference_request_success", "Requests that were answered", ({ success }) => success.count],
      ["nv_inference_request_failure", "Requests that failed", ({ fail }) => fail.count],
      ["nv_inference_count", "Pictures that were computed", ({ run }) => run.count],
      ["nv_inference_exec_count", "Runs", ({ runs }) => runs],
      ["nv_inference_request_duration_us", "Time of requests", ({ success }) => 1000 * success.milliseconds],
      ["nv_inference_queue_duration_us", "Time in queues", ({ queue }) => 1000 * queue.milliseconds],
      ["nv_inference_compute_input_duration_us", "Time of decoding", ({ decode }) => 1000 * decode.milliseconds],
      ["nv_inference_compute_infer_duration_us", "Time in the model", ({ run }) => 1000 * run.milliseconds],
    ];
    for (const [name, help, value] of counters)
      new Gauge({
        name,
        help,
        labelNames: ["model", "version"],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const { labels, statistics: of } of statistics())
            this.inc({ model: labels.model, version: labels.version }, value(of));
        },
      });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram<L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }
}
