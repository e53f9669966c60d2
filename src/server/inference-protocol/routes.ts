// The Open Inference Protocol (KServe v2) as Triton has it: health, metadata, inference, statistics, the repository. A model takes "image": files of pictures
// (BYTES, [n]) or pixels (UINT8, [n, height, width, 3]). It gives "probabilities" (FP32, [n, classes]), or with the parameter "classification" of an output
// the likeliest of them as "score:index:label"; or "embedding" (FP32, [n, width]).
import { type Context, Hono } from "hono";
import { SaccadeError, UsageError } from "../../errors.ts";
import type { Pixels } from "../../image/pixels.ts";
import type { PictureSource } from "../../tasks/engine/pictures.ts";
import { version as serverVersion } from "../../version.ts";
import { answerPictures } from "../api/answer-pictures.ts";
import { readBody } from "../api/body.ts";
import { parseJson, requireFew } from "../api/request-pictures.ts";
import type { ServerEnvironment, Service } from "../app.ts";
import type { TaskName } from "../config.ts";
import { beginFailure } from "../failed-request.ts";
import { describeFailure, RequestError } from "../failures.ts";
import type { ServedModel } from "../models/served-model.ts";
import type { Answer } from "../models/served-task.ts";
import type { TaskAnswers } from "../models/task-engine.ts";
import { modelStatistics } from "./statistics.ts";
import {
  type InferRequest,
  type InferTensor,
  type OutputTensor,
  parseInferRequest,
  writeInferAnswer,
} from "./tensors.ts";

type RouteContext = Context<ServerEnvironment>;

/** Of a request for the index, which has one. */
const MOST_INDEX_VALUES = 100;
/** All classes are asked for; a model has fewer. */
const ALL_CLASSES = 1_000_000;

export function inferenceRoutes(service: Service): Hono<ServerEnvironment> {
  const { repository } = service;
  const routes = new Hono<ServerEnvironment>();
  const found = (c: RouteContext) => repository.find(c.req.param("model") ?? "", c.req.param("version"));

  for (const path of ["/v2", "/v2/"])
    routes.get(path, (c) =>
      c.json({
        name: "saccade",
        version: serverVersion,
        extensions: ["binary_tensor_data", "classification", "model_repository", "statistics"],
      }),
    );
  routes.get("/v2/health/live", (c) => c.body(null, 200));
  routes.get("/v2/health/ready", (c) => c.body(null, repository.isReady ? 200 : 503));
  // Before the models themselves: the name of one may not be "stats" here.
  routes.get("/v2/models/stats", (c) => c.json({ model_stats: repository.models.map(modelStatistics) }));
  for (const model of ["/v2/models/:model", "/v2/models/:model/versions/:version"]) {
    routes.get(model, (c) => c.json(metadata(service, found(c))));
    routes.get(`${model}/ready`, (c) => c.body(null, found(c).isReady ? 200 : 503));
    routes.get(`${model}/stats`, (c) => c.json({ model_stats: [modelStatistics(found(c))] }));
    routes.post(`${model}/infer`, (c) => infer(c, service, found(c)));
  }
  routes.post("/v2/repository/index", async (c) => {
    using body = await readBody(c.req.raw, service.bodies);
    const { ready } = body.bytes.length === 0 ? {} : parseJson(body.bytes, MOST_INDEX_VALUES);
    const wanted = repository.models.filter(({ isReady }) => ready !== true || isReady);
    return c.json(
      wanted.map(({ name, version, state, reason }) => ({
        ...{ name, version, state: REPOSITORY_STATES[state] },
        reason: reason ?? "",
      })),
    );
  });
  routes.post("/v2/repository/models/:model/load", async (c) => {
    requireAllowed(service);
    await repository.load(found(c));
    return c.body(null, 200);
  });
  routes.post("/v2/repository/models/:model/unload", async (c) => {
    requireAllowed(service);
    await repository.unload(found(c));
    return c.body(null, 200);
  });
  // The protocol's own form of failures: one text.
  routes.onError((error, c) => {
    const status = beginFailure(c, error);
    return c.json({ error: describeFailure(error, c.get("requestId")).error.message }, status);
  });
  return routes;
}

const REPOSITORY_STATES = {
  unloaded: "UNAVAILABLE",
  failed: "UNAVAILABLE",
  loading: "LOADING",
  unloading: "UNLOADING",
  ready: "READY",
} as const;

function requireAllowed({ config }: Service): void {
  if (!config.allow_load)
    throw new RequestError(
      405,
      "method",
      "models are not loaded and unloaded by requests here: saccade serve --allow-load",
    );
}

/** What a model answers first, of what the protocol has tensors for here: classes, or embeddings. Throws RequestError where it answers something else. */
function taskOf(model: ServedModel): TensorTask {
  model.requireReady();
  const task = TENSOR_TASKS.find((name) => model.taskNames.includes(name));
  if (task !== undefined) return task;
  const others = model.taskNames.map((name) => `/v1/${name}`).join(", ");
  throw new RequestError(
    404,
    "no_such_task",
    `the model ${model.name} has no answers as tensors here`,
    `ask ${others}`,
  );
}

function metadata({ repository }: Service, model: ServedModel) {
  const task = taskOf(model);
  const { card } = model.requireReady();
  const versions = repository.models.filter(({ name }) => name === model.name).map(({ version }) => version);
  const width = task === "classify" ? (card.labels?.length ?? -1) : -1;
  return {
    name: model.name,
    versions,
    platform: "saccade",
    inputs: [{ name: "image", datatype: "BYTES", shape: [-1] }],
    outputs: [{ name: OUTPUTS[task], datatype: "FP32", shape: [-1, width] }],
  };
}

const TENSOR_TASKS = ["classify", "embed"] as const satisfies readonly TaskName[];
type TensorTask = (typeof TENSOR_TASKS)[number];
const OUTPUTS = { classify: "probabilities", embed: "embedding" } as const satisfies Record<TensorTask, string>;

async function infer(c: RouteContext, service: Service, model: ServedModel): Promise<Response> {
  c.set("model", model.name);
  const task = taskOf(model);
  model.requireTask(task).requireRoom();
  using body = await readBody(c.req.raw, service.bodies);
  const request = parseInferRequest(body.bytes, c.req.header("inference-header-content-length"));
  const pictures = picturesOf(request, service.bodies.maxPictures);
  const asked = askedOutputs(request, task);
  const outputs =
    task === "classify"
      ? classOutputs(await inferAll(c, service, model, task, pictures, { topK: ALL_CLASSES }), asked)
      : embeddingOutputs(await inferAll(c, service, model, task, pictures, {}));
  const facts = {
    model_name: model.name,
    model_version: model.version,
    ...(request.id === undefined ? {} : { id: request.id }),
  };
  const isBinary = (name: string) => {
    const { binary_data: said } = request.outputs.find((output) => output.name === name)?.parameters ?? {};
    return said === undefined ? request.binaryOutput : said === true;
  };
  const answer = writeInferAnswer(facts, outputs, isBinary);
  return c.body(answer.body, 200, answer.headers);
}

/** Answers of all pictures, or the first failure among them: the protocol has none for single ones. */
async function inferAll<T extends TaskName>(
  c: RouteContext,
  service: Service,
  model: ServedModel,
  task: T,
  pictures: readonly PictureSource[],
  asked: { readonly topK?: number },
): Promise<TaskAnswers[T][]> {
  const served = model.requireTask(task);
  const asking = { model, task, pictures, asked, ask: {}, signal: c.req.raw.signal };
  const answers: (Answer<TaskAnswers[T]> | SaccadeError)[] = await answerPictures(service, asking, served);
  return answers.map((answer) => {
    if (answer instanceof SaccadeError) throw answer;
    return answer.answer;
  });
}

function picturesOf({ inputs }: InferRequest, most: number): PictureSource[] {
  const [input] = inputs;
  if (inputs.length !== 1 || input?.name !== "image")
    throw new UsageError(`the model takes one input, image, got ${inputs.map(({ name }) => name).join(", ")}`);
  const count = input.shape[0] ?? 0;
  if (count < 1) throw new UsageError("there is no picture in the input");
  requireFew(count, most);
  if (!(input.values instanceof Uint8Array)) {
    if (input.shape.length > 2 || input.shape[1] === 0 || (input.shape[1] ?? 1) > 1)
      throw new UsageError(`files are an input of the shape [n], got [${input.shape.join(", ")}]`);
    return [...input.values];
  }
  return pixelsOf(input, input.values);
}

function pixelsOf({ shape, datatype }: InferTensor, values: Uint8Array<ArrayBuffer>): Pixels[] {
  const [count, height, width, channels] = shape;
  if (datatype !== "UINT8" || shape.length !== 4 || channels !== 3 || !height || !width)
    throw new UsageError(
      `the input image is BYTES [n], files of pictures, or UINT8 [n, height, width, 3], got ${datatype} [${shape.join(", ")}]`,
    );
  const size = height * width * 3;
  return Array.from({ length: count! }, (_, i) => ({
    ...{ width, height, channels: 3 as const },
    data: values.slice(i * size, (i + 1) * size),
  }));
}

/** How many classes as text, where they are asked for so; undefined: all, as numbers. */
function askedOutputs({ outputs }: InferRequest, task: TensorTask): number | undefined {
  const wrong = outputs.find(({ name }) => name !== OUTPUTS[task]);
  if (wrong !== undefined)
    throw new UsageError(`the model has no output ${wrong.name.slice(0, 100)}, only ${OUTPUTS[task]}`);
  const most = outputs[0]?.parameters.classification;
  if (most === undefined) return undefined;
  if (task !== "classify" || typeof most !== "number" || !Number.isInteger(most) || most < 1)
    throw new UsageError("the parameter classification is how many classes a model of classes names");
  return most;
}

function classOutputs(answers: readonly TaskAnswers["classify"][], most: number | undefined): OutputTensor[] {
  const classes = answers[0]!.predictions.length;
  const name = OUTPUTS.classify;
  if (most !== undefined) {
    const named = Math.min(most, classes);
    const data = answers.flatMap(({ predictions }) =>
      predictions.slice(0, named).map(({ score, index, label }) => `${score}:${index}:${label}`),
    );
    return [{ name, shape: [answers.length, named], datatype: "BYTES", data }];
  }
  const data = new Float32Array(answers.length * classes);
  answers.forEach(({ predictions }, i) => {
    for (const { index, score } of predictions) data[i * classes + index] = score;
  });
  return [{ name, shape: [answers.length, classes], datatype: "FP32", data }];
}

function embeddingOutputs(vectors: readonly Float32Array[]): OutputTensor[] {
  const width = vectors[0]!.length;
  const data = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    data.set(vector, i * width);
  });
  return [{ name: OUTPUTS.embed, shape: [vectors.length, width], datatype: "FP32", data }];
}
