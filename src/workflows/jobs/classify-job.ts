// Batch classification: the likeliest label and its score in columns of their own, all predictions as the JSON that `saccade classify --json` gives.
import { z } from "zod";
import { UsageError } from "../../errors.ts";
import { VIEWS } from "../../image/views.ts";
import type { PartShape } from "../../jobs/part.ts";
import { AdaptiveClassifier, isAdaptive, looksInSteps } from "../../tasks/classify/adaptive-classifier.ts";
import { loadClassifier } from "../../tasks/classify/classifier.ts";
import { type ExitOptions, exitOptionsOf } from "../../tasks/classify/exit-rule.ts";
import { type AnyClassification, classificationToJson } from "../../tasks/classify/result-json.ts";
import { engineOptions, modelJob, pictureOptions, pictureTask } from "./planned-model.ts";

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

export const classifyJob = modelJob(
  options as z.ZodType<ClassifyOptions>,
  ["classes"],
  async (host, { model, given, compute, rows }) => {
    const { views, labels, decode } = given;
    const { sessions, expectedPictures, ...engine } = {
      ...engineOptions(given, compute, rows),
      ...(views === undefined ? {} : { views }),
      ...(labels === undefined ? {} : { labels }),
    };
    const run = { topK: given.top_k, batchSize: given.batch, ...(decode === undefined ? {} : { decode }) };
    const exits = exitsOf(given);
    const stopsEarly = Object.keys(exits).length > 0;
    if (looksInSteps(model) || (stopsEarly && isAdaptive(model))) {
      const steps = await AdaptiveClassifier.open(host, model, engine);
      return pictureTask(steps, SHAPE, (all, stop) => steps.classifyAll(all, { ...run, ...exits, ...stop }), valuesOf);
    }
    if (stopsEarly)
      throw new UsageError(`${model.card.name} does not run in steps, and cannot stop early`, "leave its limits out");
    const classifier = await loadClassifier(host, model, { ...engine, sessions, expectedPictures });
    return pictureTask(classifier, SHAPE, (all, stop) => classifier.classifyAll(all, { ...run, ...stop }), valuesOf);
  },
);

function exitsOf({ threshold, minimum_value, budget_macs, average_macs }: ClassifyOptions): ExitOptions {
  const exits = { threshold, minimumValue: minimum_value, budgetMacs: budget_macs, averageMacs: average_macs };
  return exitOptionsOf(Object.fromEntries(Object.entries(exits).filter(([, value]) => value !== undefined)));
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
