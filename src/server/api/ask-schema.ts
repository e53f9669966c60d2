// What a request of ours may ask, and what is answered: one schema each for the checks, for texts of multipart and query, and for the OpenAPI document.
import { z } from "zod";
import { UsageError } from "../../errors.ts";
import { SEGMENTATIONS } from "../../tasks/segment/results.ts";
import type { AskOptions } from "../models/task-engine.ts";
import { PRIORITIES } from "../queue/batch-queue.ts";
import { schemaFaults } from "../schema-faults.ts";

export const EXPLANATIONS = ["gaze", "png", "svg", "html"] as const;

const share = z.number().min(0).max(1);

/** Fields that every request may have beside its pictures. */
const common = {
  model: z
    .string()
    .min(1)
    .max(201)
    .optional()
    .describe("NAME or NAME@VERSION; without it, the first model that answers the task"),
  priority: z.enum(PRIORITIES).optional().describe("offline requests are computed when no online one waits"),
  timeout_ms: z
    .number()
    .min(1)
    .max(3_600_000)
    .optional()
    .describe("a picture whose turn has not come by then is dropped: 504"),
};

const commonSchema = z.strictObject(common);
export type CommonAsk = z.infer<typeof commonSchema>;

export const classifyAskSchema = z.strictObject({
  ...common,
  top_k: z.int().min(1).max(100_000).optional().describe("how many predictions; 5 without it"),
  explain: z
    .enum(EXPLANATIONS)
    .optional()
    .describe("where the model looked: as numbers (gaze), or drawn, as a file in base64 (png, svg, html)"),
  threshold: share.optional().describe("models in steps: stop when the likeliest class has this probability"),
  minimum_value: z.number().optional().describe("models with a value net: stop when no more is expected of going on"),
  budget_ms: z.number().gt(0).optional().describe("models in steps: milliseconds a picture may take in the model"),
  budget_macs: z.number().gt(0).optional().describe("models in steps: multiply-accumulates a picture may take"),
  average_macs: z.number().gt(0).optional().describe("the same on average, by thresholds stored with the model"),
});
export type ClassifyAsk = z.infer<typeof classifyAskSchema>;

export const embedAskSchema = commonSchema;

const most = z.int().min(1).max(10_000).optional();
const only = z.array(z.string().min(1).max(200)).min(1).max(1000).optional();

export const detectAskSchema = z.strictObject({
  ...common,
  threshold: share.optional().describe("the least score; 0.3 without it"),
  most: most.describe("how many things; 100 without it"),
  only: only.describe("labels that are of interest; in forms and addresses with commas between them"),
  suppression: z
    .union([z.number().gt(0).max(1), z.literal("none")])
    .optional()
    .describe("the overlap from which on two boxes of a class are one thing, or none; the model's own without it"),
});
export type DetectAsk = z.infer<typeof detectAskSchema>;

export const segmentAskSchema = z.strictObject({
  ...common,
  kind: z.enum(SEGMENTATIONS).optional().describe("which way; what the model is made for without it"),
  threshold: share.optional().describe("of instances the least score (0.5), of panoptic segments how sure (0.8)"),
  most: most.describe("how many instances are looked at; 100 without it"),
  only: only.describe("labels that are of interest; in forms and addresses with commas between them"),
});
export type SegmentAsk = z.infer<typeof segmentAskSchema>;

const MOST_FACES = 32;
const place = z.number().min(-1e6).max(1e6);

export const facesAskSchema = z.strictObject({
  ...common,
  faces: z
    .array(z.tuple([place, place, place, place]))
    .min(1)
    .max(MOST_FACES)
    .optional()
    .describe(
      "of one picture: left, top, right, bottom of each face in pixels; in forms and addresses with semicolons between them; without it the picture is one face",
    ),
});
export type FacesAsk = z.infer<typeof facesAskSchema>;

export const RESTORED_FORMATS = ["json", "png"] as const;

export const restoreAskSchema = z.strictObject({
  ...common,
  format: z.enum(RESTORED_FORMATS).optional().describe("json has the file in base64 (usual), png is the file itself"),
});

const { model: _, ...timing } = common;
export const searchAskSchema = z.strictObject({
  ...timing,
  top_k: z.int().min(1).max(10_000).optional().describe("how many pictures; 10 without it"),
});

/** Fields that are numbers; texts of a query or a form are read as such. */
const NUMBERS = new Set([
  ...["top_k", "threshold", "minimum_value", "budget_ms", "budget_macs", "average_macs", "timeout_ms", "most"],
  "suppression",
]);
/** Fields that are lists, with commas between their parts. */
const LISTS = new Set(["only"]);

/** Fields that are lists of boxes: four numbers with commas between them, semicolons between boxes. */
const BOXES = new Set(["faces"]);

/** Fields of a query or a form, as values. A field that is given twice is the list of both, which no field takes. */
export function fieldsOfTexts(texts: Iterable<readonly [string, string]>): Record<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [name, text] of texts) {
    const value = fieldOfText(name, text);
    fields.set(name, fields.has(name) ? [fields.get(name), value] : value);
  }
  return Object.fromEntries(fields);
}

function fieldOfText(name: string, text: string): unknown {
  if (LISTS.has(name)) return text.split(",").map((part) => part.trim());
  if (BOXES.has(name)) return text.split(";").map((box) => box.split(",").map(numberOrText));
  return NUMBERS.has(name) ? numberOrText(text) : text;
}

function numberOrText(text: string): number | string {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isNaN(number) ? text : number;
}

/** @throws UsageError naming the fields */
export function parseAsk<T>(schema: z.ZodType<T>, fields: Readonly<Record<string, unknown>>): T {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const faults = schemaFaults(parsed.error, 5);
  throw new UsageError(`the request is not understood: ${faults}`, "GET /openapi.json describes it");
}

/** What the model's task is asked. */
export function askOptions(ask: ClassifyAsk): AskOptions {
  const { top_k, explain, threshold, minimum_value, budget_ms, budget_macs, average_macs } = ask;
  return given({
    topK: top_k ?? 5,
    ...(explain === undefined ? {} : { explain: true }),
    threshold,
    minimumValue: minimum_value,
    budgetMs: budget_ms,
    budgetMacs: budget_macs,
    averageMacs: average_macs,
  });
}

export function detectOptions({ threshold, most, only, suppression }: DetectAsk): AskOptions {
  return given({ threshold, most, only, suppression });
}

export function segmentOptions({ threshold, most, only, kind }: SegmentAsk): AskOptions {
  return given({ threshold, most, only, kind });
}

export function facesOptions({ faces }: FacesAsk): AskOptions {
  return given({ faces });
}

function given(fields: { readonly [F in keyof AskOptions]: AskOptions[F] | undefined }): AskOptions {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const predictionSchema = z.object({ label: z.string(), index: z.int(), score: z.number() });

const failureSchema = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  request_id: z.string().optional(),
});

export const errorSchema = z.object({ error: failureSchema });

const spentSchema = z
  .object({
    decode_ms: z.number(),
    queue_ms: z.number(),
    run_ms: z.number(),
    batch_size: z.int(),
    cost_share: z
      .number()
      .optional()
      .describe("where a crowded queue lowered the budget: the share of the model's whole cost that was left"),
  })
  .describe("what a picture took");

const stepSchema = z.object({
  name: z.string(),
  box: z.array(z.number()).optional().describe("x1, y1, x2, y2 in pixels of the picture"),
  prediction: predictionSchema,
  confidence: z.number(),
  macs: z.number(),
  value: z.number().optional(),
});

const answersOf = <A extends z.ZodRawShape>(answer: A) =>
  z.object({
    model: z.string(),
    version: z.string(),
    device: z.string(),
    answers: z
      .array(z.union([z.object({ ...answer, spent: spentSchema }), z.object({ error: failureSchema })]))
      .describe("one a picture, in their order"),
  });

export const classifyAnswerSchema = answersOf({
  predictions: z.array(predictionSchema).describe("best first"),
  seen: z.number().describe("share of the picture that the model saw"),
  unknown: z.boolean().optional(),
  stopped: z.string().optional(),
  steps: z.array(stepSchema).optional(),
  gaze: z.object({ view_to_picture: z.unknown(), stages: z.array(z.unknown()) }).optional(),
  tokens: z.object({ grid: z.unknown(), views: z.array(z.unknown()) }).optional(),
  explained: z.object({ media_type: z.string(), data: z.string().describe("base64") }).optional(),
});

export const embedAnswerSchema = answersOf({ embedding: z.array(z.number()) });

const pictureSchema = z.object({ width: z.int(), height: z.int() });
const boxSchema = z.array(z.number()).describe("x0, y0, x1, y1 in pixels of the picture");

const maskSchema = z
  .object({ size: z.array(z.int()), counts: z.string() })
  .describe("height and width, and COCO's compressed runs");

export const detectAnswerSchema = answersOf({
  detections: z.array(predictionSchema.extend({ box: boxSchema })).describe("surest first"),
  picture: pictureSchema,
  seen: z.number().describe("share of the picture that the model saw"),
});

export const segmentAnswerSchema = answersOf({
  kind: z.enum(SEGMENTATIONS),
  segments: z.array(
    z.object({
      id: z.int(),
      label: z.string(),
      index: z.int(),
      score: z.number().optional(),
      box: boxSchema,
      share: z.number().describe("of the picture's area"),
      is_thing: z.boolean().optional(),
      mask: maskSchema,
    }),
  ),
  picture: pictureSchema,
  seen: z.number().describe("share of the picture that the model saw"),
});

const ratedSchema = z.array(z.object({ label: z.string(), score: z.number() })).describe("likeliest first");

export const facesAnswerSchema = answersOf({
  width: z.int(),
  height: z.int(),
  faces: z.array(
    z.object({
      box: boxSchema.describe("what the model saw, the face with a margin: x0, y0, x1, y1 in pixels of the picture"),
      landmarks: z.array(z.array(z.number())).describe("68 points, x and y in pixels of the picture"),
      visibility: z.array(z.number()).describe("of 29 points, 0 to 1"),
      pose: z.object({ pitch: z.number(), yaw: z.number(), roll: z.number() }).describe("degrees"),
      attributes: z.record(z.string(), z.number()).describe("how likely each holds, 0 to 1"),
      age: ratedSchema,
      gender: ratedSchema,
      race: ratedSchema,
      parts: z.array(z.object({ index: z.int(), label: z.string(), mask: maskSchema })),
    }),
  ),
});

export const restoreAnswerSchema = answersOf({
  width: z.int(),
  height: z.int(),
  tiles: z.int().describe("how many pieces it was cut into"),
  restored: z.object({ media_type: z.string(), data: z.string().describe("base64") }),
});

export const searchAnswerSchema = z.object({
  answers: z.array(
    z.union([
      z.object({ matches: z.array(z.object({ path: z.string(), score: z.number() })) }),
      z.object({ error: failureSchema }),
    ]),
  ),
});

export const modelSchema = z.object({
  name: z.string(),
  version: z.string(),
  state: z.enum(["unloaded", "loading", "ready", "unloading", "failed"]),
  reason: z.string().optional(),
  tasks: z.array(z.string()),
  device: z.string().optional(),
  classes: z.int().optional(),
  licence: z.string().optional(),
  adaptive: z.boolean().optional().describe("whether it can stop early"),
  max_batch: z.int().optional(),
  max_delay_ms: z.number().optional(),
});

export const modelListSchema = z.object({ models: z.array(modelSchema) });
