// The server's own protocol, /v1: pictures in, the library's answers out.
import { type Context, Hono } from "hono";
import type { z } from "zod";
import { SaccadeError, UsageError } from "../../errors.ts";
import { explanationSheet, headlineOf } from "../../evaluate/explanation-sheet.ts";
import { encodeSheet } from "../../evaluate/sheet-file.ts";
import { type AnyClassification, classificationToJson } from "../../tasks/classify/result-json.ts";
import { detectionToJson } from "../../tasks/detect/result-json.ts";
import { readPicture } from "../../tasks/engine/pictures.ts";
import { faceResultJson } from "../../tasks/faces/result-json.ts";
import { segmentationToJson } from "../../tasks/segment/result-json.ts";
import type { ServerEnvironment, Service } from "../app.ts";
import { TASKS, type TaskName } from "../config.ts";
import { describeFailure, RequestError } from "../failures.ts";
import type { ServedModel } from "../models/served-model.ts";
import type { Answer } from "../models/served-task.ts";
import type { AskOptions, TaskAnswers } from "../models/task-engine.ts";
import { answerPictures } from "./answer-pictures.ts";
import {
  askOptions,
  type CommonAsk,
  classifyAskSchema,
  detectAskSchema,
  detectOptions,
  embedAskSchema,
  facesAskSchema,
  facesOptions,
  parseAsk,
  restoreAskSchema,
  searchAskSchema,
  segmentAskSchema,
  segmentOptions,
} from "./ask-schema.ts";
import { receivePictures } from "./received-pictures.ts";

type RouteContext = Context<ServerEnvironment>;

export function apiRoutes(service: Service): Hono<ServerEnvironment> {
  const routes = new Hono<ServerEnvironment>();
  routes.get("/v1/models", (c) => c.json({ models: service.repository.models.map(describeModel) }));
  routes.post("/v1/classify", (c) => classify(c, service));
  routes.post("/v1/embed", (c) => embed(c, service));
  routes.post("/v1/detect", (c) => detect(c, service));
  routes.post("/v1/segment", (c) => segment(c, service));
  routes.post("/v1/faces", (c) => faces(c, service));
  routes.post("/v1/restore", (c) => restore(c, service));
  routes.post("/v1/search", (c) => search(c, service));
  for (const path of ["/v1/models", "/livez", "/readyz", "/metrics"]) routes.all(path, () => refuseMethod("GET"));
  for (const name of [...TASKS, "search"]) routes.all(`/v1/${name}`, () => refuseMethod("POST"));
  return routes;
}

function refuseMethod(allowed: string): never {
  throw new RequestError(405, "method", `this address takes ${allowed} requests`);
}

function classify(c: RouteContext, service: Service): Promise<Response> {
  return answer(c, service, {
    task: "classify",
    schema: classifyAskSchema,
    asked: askOptions,
    onAnswer: (model, wholeMacs) => (result) =>
      service.metrics.stopped({ model: model.name, version: model.version, task: "classify" }, result, wholeMacs),
    async describe(result, picture, { explain }) {
      const isDrawn = explain !== undefined && explain !== "gaze";
      const explained = isDrawn ? await draw(service, picture, result, explain) : undefined;
      return { ...classificationToJson(result), ...(explained === undefined ? {} : { explained }) };
    },
  });
}

function embed(c: RouteContext, service: Service): Promise<Response> {
  return answer(c, service, {
    task: "embed",
    schema: embedAskSchema,
    asked: () => ({}),
    describe: async (vector) => ({ embedding: Array.from(vector) }),
  });
}

function detect(c: RouteContext, service: Service): Promise<Response> {
  return answer(c, service, {
    task: "detect",
    schema: detectAskSchema,
    asked: detectOptions,
    describe: async (result) => detectionToJson(result),
  });
}

function segment(c: RouteContext, service: Service): Promise<Response> {
  return answer(c, service, {
    task: "segment",
    schema: segmentAskSchema,
    asked: segmentOptions,
    describe: async (result) => segmentationToJson(result),
  });
}

function faces(c: RouteContext, service: Service): Promise<Response> {
  return answer(c, service, {
    task: "faces",
    schema: facesAskSchema,
    asked: facesOptions,
    isOfOnePicture: ({ faces }) => (faces === undefined ? undefined : "faces are those of one picture"),
    describe: async (result) => faceResultJson(result),
  });
}

function restore(c: RouteContext, service: Service): Promise<Response> {
  return answer(c, service, {
    task: "restore",
    schema: restoreAskSchema,
    asked: () => ({}),
    // Answers are as large as pictures: all of a request's would have to be in memory.
    isOfOnePicture: () => "pictures are restored one at a time",
    asFile: ({ png }, { format }) => (format === "png" ? { mediaType: MEDIA_TYPES.png, bytes: png } : undefined),
    describe: async ({ png, ...facts }) => ({ ...facts, restored: inBase64(MEDIA_TYPES.png, png) }),
  });
}

/** What one task of models does with requests. */
interface TaskRoute<T extends TaskName, Ask extends CommonAsk> {
  readonly task: T;
  readonly schema: z.ZodType<Ask>;
  readonly asked: (ask: Ask) => AskOptions;
  /** Why the request is of one picture, where it is. */
  readonly isOfOnePicture?: (ask: Ask) => string | undefined;
  /** The answer to the only picture as a file, where that is wanted. */
  readonly asFile?: (answer: TaskAnswers[T], ask: Ask) => { mediaType: string; bytes: Uint8Array } | undefined;
  readonly onAnswer?: (model: ServedModel, wholeMacs: number | undefined) => (answer: TaskAnswers[T]) => void;
  readonly describe: (answer: TaskAnswers[T], picture: Uint8Array, ask: Ask) => Promise<Record<string, unknown>>;
}

async function answer<T extends TaskName, Ask extends CommonAsk>(
  c: RouteContext,
  service: Service,
  { task, schema, asked, isOfOnePicture, asFile, onAnswer, describe }: TaskRoute<T, Ask>,
): Promise<Response> {
  const { repository } = service;
  // Nobody sends pictures to a queue that is full. No place is kept meanwhile: who sends slowly would keep it from all others. A body that names its model
  // has to be read.
  const named = c.req.query("model");
  if (named !== undefined || repository.models.length === 1)
    repository.findFor(task, named).requireTask(task).requireRoom();
  using given = await receivePictures(c, service);
  const { pictures } = given;
  const ask = parseAsk(schema, given.fields);
  const whyOne = isOfOnePicture?.(ask);
  if (pictures.length > 1 && whyOne !== undefined)
    throw new UsageError(`${whyOne}, and there are ${pictures.length}`, "one request for each");
  const model = repository.findFor(task, ask.model);
  c.set("model", model.name);
  const { device } = model.requireReady();
  const served = model.requireTask(task);
  const listener = onAnswer === undefined ? {} : { onAnswer: onAnswer(model, served.engine.wholeMacs) };
  const asking = { model, task, pictures, asked: asked(ask), ask, signal: c.req.raw.signal, ...listener };
  const answers = await answerPictures(service, asking, served);
  const [first] = answers;
  const file = first === undefined || first instanceof SaccadeError ? undefined : asFile?.(first.answer, ask);
  if (file !== undefined) return c.body(new Uint8Array(file.bytes), 200, { "Content-Type": file.mediaType });
  const described = answers.map(async (one, i) =>
    one instanceof SaccadeError
      ? describeFailure(one, c.get("requestId"))
      : { ...(await describe(one.answer, pictures[i]!, ask)), spent: spent(one) },
  );
  return c.json({ model: model.name, version: model.version, device, answers: await Promise.all(described) });
}

async function search(c: RouteContext, service: Service): Promise<Response> {
  const { search: served } = service;
  if (served === undefined)
    throw new RequestError(404, "no_such_task", "this server searches nothing", "start it with --index FOLDER");
  served.requireRoom();
  using given = await receivePictures(c, service);
  const { pictures } = given;
  const ask = parseAsk(searchAskSchema, given.fields);
  const answers = await served.search(pictures, ask, c.req.raw.signal);
  return c.json({
    answers: answers.map((matches) =>
      matches instanceof SaccadeError ? describeFailure(matches, c.get("requestId")) : { matches },
    ),
  });
}

async function draw(
  { host, config, decoding }: Service,
  picture: Uint8Array,
  answer: AnyClassification,
  format: "png" | "svg" | "html",
): Promise<{ media_type: string; data: string } | undefined> {
  if (answer.gaze === undefined && answer.tokens === undefined && answer.steps === undefined) return undefined;
  const bytes = await decoding.during(async (reserve) => {
    const pixels = await readPicture(host, picture, { maxPixels: config.max_pixels, reserve });
    return encodeSheet(explanationSheet(pixels, answer, headlineOf(answer)), format, host);
  });
  return inBase64(MEDIA_TYPES[format], bytes);
}

function inBase64(mediaType: string, bytes: Uint8Array): { media_type: string; data: string } {
  return { media_type: mediaType, data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64") };
}

const MEDIA_TYPES = { png: "image/png", svg: "image/svg+xml", html: "text/html" } as const;

function spent({ decodeMs, queueMs, runMs, batchSize, costShare }: Answer<unknown>) {
  const round = (milliseconds: number) => Math.round(100 * milliseconds) / 100;
  return {
    decode_ms: round(decodeMs),
    queue_ms: round(queueMs),
    run_ms: round(runMs),
    batch_size: batchSize,
    ...(costShare < 1 ? { cost_share: Number(costShare.toPrecision(3)) } : {}),
  };
}

function describeModel(model: Service["repository"]["models"][number]) {
  const { name, version, state, reason, tasks, taskNames } = model;
  const first = taskNames.map((task) => tasks?.byName[task])[0];
  return {
    name,
    version,
    state,
    reason,
    tasks: taskNames,
    device: tasks?.device,
    classes: tasks?.card.labels?.length,
    licence: tasks?.card.licence,
    adaptive: first === undefined ? undefined : first.engine.wholeMacs !== undefined,
    max_batch: first?.batching.maxBatch,
    max_delay_ms: first?.batching.maxDelayMs,
  };
}
