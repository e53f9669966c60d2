// The model of a plan: loaded as it was planned, and told from any other by all that it computes with.
import { z } from "zod";
import { SaccadeError, UsageError } from "../../errors.ts";
import { DECODINGS } from "../../image/raw-image.ts";
import type { Resolution } from "../../image/resolution.ts";
import type { PartShape, PartValue } from "../../jobs/part.ts";
import type { Plan } from "../../jobs/plan.ts";
import type { RowOutcome, ShardPicture, ShardTask } from "../../jobs/task.ts";
import { answersOfModel } from "../../model-folder/compile.ts";
import { lastingName } from "../../model-folder/lasting-name.ts";
import { loadModel } from "../../model-folder/load.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import type { Answers } from "../../models/answers.ts";
import { PRECISIONS, type Precision } from "../../onnx/lower.ts";
import type { JobsHost } from "../../platform/host.ts";
import type { Answered } from "../../tasks/engine/picture-stream.ts";
import type { PictureSource } from "../../tasks/engine/pictures.ts";
import { wrongTask } from "../../tasks/engine/wrong-task.ts";
import type { JobTask, OpenJob } from "./job-tasks.ts";

/** Options of all tasks with a model of pictures. */
export const pictureOptions = {
  /** Pictures run together. Part of the answers: the last digits depend on who runs together. */
  batch: z.int().min(1).max(1024).default(8),
  architecture: z.string().optional(),
  config: z.record(z.string(), z.unknown()).optional(),
  tokens: z.union([z.int().min(1), z.string()]).optional(),
  transform: z.string().optional(),
  resolution: z.union([z.int().min(1), z.literal("native")]).optional(),
  precision: z.enum(PRECISIONS).default("float32"),
  decode: z.enum(DECODINGS).optional(),
};

interface ModelOptions {
  readonly architecture?: string | undefined;
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  readonly tokens?: number | string | undefined;
  readonly transform?: string | undefined;
}

async function loadPlanned(
  host: JobsHost,
  source: string,
  { architecture, config, tokens, transform }: ModelOptions,
  onNotice?: (line: string) => void,
): Promise<LoadedModel> {
  return loadModel(host, source, {
    ...(architecture === undefined ? {} : { architecture }),
    ...(config === undefined ? {} : { config }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(transform === undefined ? {} : { transform }),
    ...(onNotice === undefined ? {} : { onNotice }),
  });
}

/** What a task opens: the model that was planned with, and the plan's options. */
export interface PlannedModel<O> {
  readonly model: LoadedModel;
  readonly given: O;
  readonly compute: OpenJob;
  /** Of the plan. */
  readonly rows: number;
}

/**
 * A task with a model of pictures: the model is frozen by its digest when a plan is made, and must have it still when it is opened.
 *
 * @param answers of models that the task can ask; undefined: of any
 */
export function modelJob<O extends ModelOptions>(
  options: z.ZodType<O>,
  answers: readonly Answers[] | undefined,
  open: (host: JobsHost, planned: PlannedModel<O>) => Promise<ShardTask>,
): JobTask<O> {
  return {
    options,
    async identify(host, named, given) {
      const source = requireModel(named);
      const model = await loadPlanned(host, source, given);
      const answered = answersOfModel(model);
      if (answers?.includes(answered) === false) throw wrongTask(model.card.name, answered);
      return { name: model.card.name, source: await lastingName(host, source), digest: await digestOf(host, model) };
    },
    async open(host, plan, given, compute) {
      const model = await loadPlanned(host, requireModel(compute.model ?? plan.model?.source), given, compute.onNotice);
      await requirePlanned(host, model, plan.model);
      return open(host, { model, given, compute, rows: plan.rows });
    },
  };
}

/** @throws SaccadeError "plan_model" */
async function requirePlanned(host: JobsHost, model: LoadedModel, planned: Plan["model"]): Promise<void> {
  const digest = await digestOf(host, model);
  if (digest === planned?.digest) return;
  throw new SaccadeError("plan_model", `${model.card.name} is not the model that was planned with`, {
    hint: "put back what was there, or plan again in another folder",
    data: { planned: planned?.digest, here: digest },
  });
}

/** Of all that decides what a model answers: its configuration, its weights, its labels and its preprocessing. */
async function digestOf(host: JobsHost, model: LoadedModel): Promise<string> {
  const { labels, transform, scores, unknownBelow, earlyExit } = model.card;
  const lines = [JSON.stringify([labels, transform, scores, unknownBelow, earlyExit])];
  if (model.kind === "onnx") lines.push(await host.sha256(model.bytes));
  else {
    const { architecture, config } = model.definition;
    lines.push(architecture.name, JSON.stringify(config));
    for (const [name, { dtype, shape, data }] of model.weights) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      lines.push(`${name} ${dtype} ${shape.join(",")} ${await host.sha256(bytes)}`);
    }
  }
  return (await host.sha256(new TextEncoder().encode(lines.join("\n")))).slice(0, 32);
}

/** A plan's options without those that are for the run and not for opening the model. */
interface PlannedEngineOptions {
  readonly precision: Precision;
  readonly transform?: string | undefined;
  readonly resolution?: Resolution | undefined;
}

/** What opening a model takes, of the plan and of the machine. @param rows of the plan */
export function engineOptions(
  { precision, transform, resolution }: PlannedEngineOptions,
  { device, threads, sessions, onNotice, signal }: OpenJob,
  rows: number,
) {
  return {
    ...{ device, onNotice, precision },
    ...(signal === undefined ? {} : { signal }),
    ...(threads === undefined ? {} : { threads }),
    ...(transform === undefined ? {} : { transform }),
    ...(resolution === undefined ? {} : { resolution }),
    sessions: sessions ?? ("auto" as const),
    expectedPictures: rows,
  };
}

/** A task of pictures, as jobs drive it. */
export function pictureTask<A>(
  task: { readonly device: string; dispose(): Promise<void> },
  shape: PartShape,
  answerAll: (
    pictures: readonly PictureSource[],
    options: { readonly signal?: AbortSignal },
  ) => AsyncIterable<Answered<PictureSource, A>>,
  valuesOf: (answer: A) => Readonly<Record<string, PartValue>>,
): ShardTask {
  return {
    shape,
    device: task.device,
    async *run(rows: readonly ShardPicture[], { signal }): AsyncGenerator<RowOutcome> {
      const answers = answerAll(
        rows.map(({ picture }) => picture),
        signal === undefined ? {} : { signal },
      );
      for await (const { answer, error } of answers)
        yield error === undefined ? { values: valuesOf(answer) } : { error };
    },
    [Symbol.asyncDispose]: () => task.dispose(),
  };
}

function requireModel(model: string | undefined): string {
  if (model !== undefined) return model;
  throw new UsageError("this task needs a model", "--model NAME");
}
