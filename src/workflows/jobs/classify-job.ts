// Batch classification: the likeliest label and its score in columns of their own, all predictions as the JSON that `saccade classify --json` gives.
import { z } from "zod";
import { UsageError } from "../../errors.ts";
import { VIEWS } from "../../image/views.ts";
import type { PartShape } from "../../jobs/part.ts";
import type { RowOutcome, ShardPicture, ShardTask } from "../../jobs/task.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import type { JobsHost } from "../../platform/host.ts";
import { AdaptiveClassifier, isAdaptive, looksInSteps } from "../../tasks/classify/adaptive-classifier.ts";
import { type Classifier, loadClassifier } from "../../tasks/classify/classifier.ts";
import { type ExitOptions, exitOptionsOf } from "../../tasks/classify/exit-rule.ts";
import { type AnyClassification, classificationToJson } from "../../tasks/classify/result-json.ts";
import type { Answered } from "../../tasks/engine/picture-stream.ts";
import type { PictureSource } from "../../tasks/engine/pictures.ts";
import type { JobTask, OpenJob } from "./job-tasks.ts";
import { identifyModel, loadPlanned, pictureOptions, requirePlanned } from "./planned-model.ts";

const options = z.strictObject({
  ...pictureOptions,
  top_k: z.int().min(1).default(5),
  views: z.enum(VIEWS).optional(),
  labels: z.array(z.string()).optional(),
  /** When models in steps stop. Milliseconds are not among them: what a clock decides comes out differently every time. */
  threshold: z.number().min(0).max(1).optional(),
  minimum_value: z.number().optional(),
  budget_macs: z.number().positive().optional(),
  average_macs: z.number().positive().optional(),
});
type ClassifyOptions = z.infer<typeof options>;

const SHAPE: PartShape = {
  columns: [
    { name: "label", kind: "text" },
    { name: "score", kind: "float" },
    { name: "unknown", kind: "boolean" },
    { name: "answer", kind: "text" },
  ],
  metadata: {},
};

export const classifyJob: JobTask<ClassifyOptions> = {
  options: options as z.ZodType<ClassifyOptions>,
  identify: (host, model, given) => identifyModel(host, requireModel(model), given),
  async open(host, plan, given, compute) {
    const source = requireModel(plan.model?.source);
    const model = await loadPlanned(host, source, given, compute.onNotice);
    await requirePlanned(host, model, plan.model);
    const { classifier, answerAll } = await openClassifier(host, model, given, { ...compute, pictures: plan.rows });
    return classifyTask(classifier, answerAll);
  },
};

type AnswerAll = (
  pictures: readonly PictureSource[],
  options: { readonly signal?: AbortSignal },
) => AsyncIterable<Answered<PictureSource, AnyClassification>>;

interface OpenClassifier {
  readonly classifier: Pick<Classifier, "device" | "dispose">;
  readonly answerAll: AnswerAll;
}

async function openClassifier(
  host: JobsHost,
  model: LoadedModel,
  given: ClassifyOptions,
  { device, threads, sessions, onNotice, signal, pictures }: OpenJob & { readonly pictures: number },
): Promise<OpenClassifier> {
  const exits = exitsOf(given);
  const stopsEarly = Object.keys(exits).length > 0;
  const { precision, transform, resolution, views, labels, decode } = given;
  const engine = {
    ...{ device, onNotice, precision },
    ...(signal === undefined ? {} : { signal }),
    ...(threads === undefined ? {} : { threads }),
    ...(transform === undefined ? {} : { transform }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(views === undefined ? {} : { views }),
    ...(labels === undefined ? {} : { labels }),
  };
  const run = { topK: given.top_k, batchSize: given.batch, ...(decode === undefined ? {} : { decode }) };
  if (looksInSteps(model) || (stopsEarly && isAdaptive(model))) {
    const classifier = await AdaptiveClassifier.open(host, model, engine);
    const answerAll: AnswerAll = (all, stop) => classifier.classifyAll(all, { ...run, ...exits, ...stop });
    return { classifier, answerAll };
  }
  if (stopsEarly)
    throw new UsageError(`${model.card.name} does not run in steps, and cannot stop early`, "leave its limits out");
  const many = { sessions: sessions ?? ("auto" as const), expectedPictures: pictures };
  const classifier = await loadClassifier(host, model, { ...engine, ...many });
  return { classifier, answerAll: (all, stop) => classifier.classifyAll(all, { ...run, ...stop }) };
}

function exitsOf({ threshold, minimum_value, budget_macs, average_macs }: ClassifyOptions): ExitOptions {
  const exits = { threshold, minimumValue: minimum_value, budgetMacs: budget_macs, averageMacs: average_macs };
  return exitOptionsOf(Object.fromEntries(Object.entries(exits).filter(([, value]) => value !== undefined)));
}

function classifyTask(classifier: OpenClassifier["classifier"], answerAll: AnswerAll): ShardTask {
  return {
    shape: SHAPE,
    device: classifier.device,
    async *run(rows: readonly ShardPicture[], { signal }): AsyncGenerator<RowOutcome> {
      const answers = answerAll(
        rows.map(({ picture }) => picture),
        signal === undefined ? {} : { signal },
      );
      for await (const { answer, error } of answers)
        yield error === undefined ? { values: valuesOf(answer) } : { error };
    },
    [Symbol.asyncDispose]: () => classifier.dispose(),
  };
}

function valuesOf(answer: AnyClassification) {
  const [best] = answer.predictions;
  return {
    label: best?.label ?? null,
    score: best?.score ?? null,
    unknown: answer.unknown ?? null,
    answer: JSON.stringify(classificationToJson(answer)),
  };
}

export function requireModel(model: string | undefined): string {
  if (model !== undefined) return model;
  throw new UsageError("this task needs a model", "--model NAME");
}
