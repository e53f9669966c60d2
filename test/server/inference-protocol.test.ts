// The Open Inference Protocol: its addresses and the shapes of its answers, JSON and binary tensors, the repository, statistics, failures.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Classifier } from "../../src/node.ts";
import { PASTORAL, temporaryFolder, writeVit } from "../cli/mini-model.ts";
import {
  errorResponse,
  inferenceRequest,
  inferenceResponse,
  metadataModelResponse,
  metadataServerResponse,
  repositoryIndexResponse,
  statisticsResponse,
} from "./protocol-shapes.ts";
import { fileBytes, post, runServer, type TestServer } from "./running.ts";

const folder = temporaryFolder();
const JSON_BODY = { "content-type": "application/json" };
let server: TestServer;
let expected: Map<number, { label: string; score: number }>;
beforeAll(async () => {
  const vit = await writeVit(join(folder, "vit"));
  server = await runServer([`vit=${vit}`], { allowLoad: true, tritonMetrics: true });
  await using classifier = await Classifier.load(vit, { device: "cpu", threads: 1 });
  const { predictions } = await classifier.classify(PASTORAL, { topK: 5 });
  expected = new Map(predictions.map(({ index, label, score }) => [index, { label, score }]));
}, 60_000);
afterAll(() => server.stop());

const inferJson = (body: unknown) => server.ask("/v2/models/vit/infer", post(JSON.stringify(body), JSON_BODY));
const image = (bytes: Uint8Array) => ({
  name: "image",
  datatype: "BYTES",
  shape: [1],
  data: [Buffer.from(bytes).toString("base64")],
});

function expectProbabilities(values: ArrayLike<number>): void {
  for (const [index, { score }] of expected) expect(values[index]).toBeCloseTo(score, 5);
}

test("server, health and model metadata", async () => {
  expect(await (await server.ask("/v2")).json()).toMatchObject({
    name: "saccade",
    extensions: expect.arrayContaining(["binary_tensor_data"]),
  });
  for (const path of ["/v2/health/live", "/v2/health/ready", "/v2/models/vit/ready", "/v2/models/vit/versions/1/ready"])
    expect((await server.ask(path)).status, path).toBe(200);
  expect(await (await server.ask("/v2/models/vit/versions/1")).json()).toEqual({
    name: "vit",
    versions: ["1"],
    platform: "saccade",
    inputs: [{ name: "image", datatype: "BYTES", shape: [-1] }],
    outputs: [{ name: "probabilities", datatype: "FP32", shape: [-1, 5] }],
  });
});

test("every address of the published document answers in its shapes", async () => {
  const json = async (path: string, init?: RequestInit) => (await server.ask(path, init)).json();
  const inferring = { id: "42", inputs: [image(fileBytes(PASTORAL))], outputs: [{ name: "probabilities" }] };
  inferenceRequest.parse(inferring);
  metadataServerResponse.parse(await json("/v2/"));
  metadataServerResponse.parse(await json("/v2"));
  for (const model of ["/v2/models/vit", "/v2/models/vit/versions/1"]) {
    metadataModelResponse.parse(await json(model));
    inferenceResponse.parse(await json(`${model}/infer`, post(JSON.stringify(inferring), JSON_BODY)));
    errorResponse.parse(await json(`${model}/infer`, post("{}", JSON_BODY)));
    statisticsResponse.parse(await json(`${model}/stats`));
  }
  expect(statisticsResponse.parse(await json("/v2/models/stats")).model_stats).toHaveLength(1);
  errorResponse.parse(await json("/v2/models/none"));
  expect(repositoryIndexResponse.parse(await json("/v2/repository/index", post("{}", JSON_BODY)))).toHaveLength(1);
  const { versions, inputs, outputs } = metadataModelResponse.parse(await json("/v2/models/vit"));
  expect([versions, inputs?.length, outputs?.length]).toEqual([["1"], 1, 1]);
});

describe("inference", () => {
  test("JSON in, JSON out", async () => {
    const answer = (await (await inferJson({ id: "7", inputs: [image(fileBytes(PASTORAL))] })).json()) as {
      outputs: [{ data: number[] }];
    };
    expect(answer).toMatchObject({
      id: "7",
      model_name: "vit",
      model_version: "1",
      outputs: [{ name: "probabilities", shape: [1, 5], datatype: "FP32" }],
    });
    expectProbabilities(answer.outputs[0].data);
  });

  test("binary tensors both ways", async () => {
    const file = fileBytes(PASTORAL);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(file.length);
    const header = Buffer.from(
      JSON.stringify({
        inputs: [{ name: "image", datatype: "BYTES", shape: [1], parameters: { binary_data_size: 4 + file.length } }],
        outputs: [{ name: "probabilities", parameters: { binary_data: true } }],
      }),
    );
    const body = Uint8Array.from(Buffer.concat([header, length, file]));
    const response = await server.ask(
      "/v2/models/vit/infer",
      post(body, { "inference-header-content-length": String(header.length) }),
    );
    expect(response.status).toBe(200);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const at = Number(response.headers.get("inference-header-content-length"));
    const { outputs } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at))) as { outputs: unknown[] };
    expect(outputs).toEqual([
      { name: "probabilities", shape: [1, 5], datatype: "FP32", parameters: { binary_data_size: 20 } },
    ]);
    expectProbabilities(new Float32Array(bytes.slice(at).buffer));
  });

  test("pixels as UINT8, and classes as text", async () => {
    const data = Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => i % 256);
    const response = await inferJson({
      inputs: [{ name: "image", datatype: "UINT8", shape: [2, 8, 8, 3], data }],
      outputs: [{ name: "probabilities", parameters: { classification: 2 } }],
    });
    const { outputs } = (await response.json()) as { outputs: [{ shape: number[]; data: string[] }] };
    expect(outputs[0].shape).toEqual([2, 2]);
    expect(outputs[0].data[0]).toMatch(/^0\.\d+:[0-4]:[a-e]$/);
  });

  test("what is wrong is one text", async () => {
    const wrong = async (body: unknown, status = 400) => {
      const response = await inferJson(body);
      expect(response.status).toBe(status);
      return ((await response.json()) as { error: string }).error;
    };
    const bytes = fileBytes(PASTORAL);
    expect(await wrong({})).toMatch(/inputs/);
    expect(await wrong({ inputs: [{ ...image(bytes), name: "picture" }] })).toMatch(/one input, image/);
    expect(await wrong({ inputs: [{ ...image(bytes), shape: [2] }] })).toMatch(/has 1 values, its shape says 2/);
    expect(await wrong({ inputs: [{ ...image(bytes), parameters: { binary_data_size: 1e9 } }] })).toMatch(
      /bytes are left/,
    );
    expect(await wrong({ inputs: [image(bytes)], outputs: [{ name: "scores" }] })).toMatch(/no output scores/);
    expect(await wrong({ inputs: [image(Buffer.from("text"))] }, 415)).not.toBe("");
    expect((await server.ask("/v2/models/other/infer", post("{}", JSON_BODY))).status).toBe(404);
  });
});

test("statistics count, under Triton's names too", async () => {
  await inferJson({ inputs: [image(fileBytes(PASTORAL))] });
  const {
    model_stats: [stats],
  } = (await (await server.ask("/v2/models/vit/stats")).json()) as { model_stats: [Record<string, never>] };
  expect(stats).toMatchObject({
    name: "vit",
    version: "1",
    inference_stats: { success: { count: expect.any(Number) } },
  });
  expect(stats.inference_count).toBeGreaterThan(0);
  expect(stats.execution_count).toBeGreaterThan(0);
  expect(await (await server.ask("/metrics")).text()).toMatch(
    /nv_inference_request_success\{model="vit",version="1"\} [1-9]/,
  );
});

test("models are unloaded and loaded again, and reloaded without a request that fails", async () => {
  const index = async () => (await server.ask("/v2/repository/index", { method: "POST" })).json();
  expect(await index()).toEqual([{ name: "vit", version: "1", state: "READY", reason: "" }]);
  const bytes = fileBytes(PASTORAL);
  const asking = Array.from({ length: 6 }, async (_, i) => {
    await new Promise((resolve) => setTimeout(resolve, 40 * i));
    return (await server.ask("/v1/classify", post(bytes))).status;
  });
  expect((await server.ask("/v2/repository/models/vit/load", { method: "POST" })).status).toBe(200);
  expect(await Promise.all(asking)).toEqual([200, 200, 200, 200, 200, 200]);
  expect((await server.ask("/v2/repository/models/vit/unload", { method: "POST" })).status).toBe(200);
  expect(await index()).toMatchObject([{ state: "UNAVAILABLE" }]);
  const ready = await server.ask("/v2/repository/index", post('{"ready": true}', JSON_BODY));
  expect(await ready.json()).toEqual([]);
  const refused = await server.ask("/v1/classify", post(bytes));
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect((await server.ask("/v2/repository/models/vit/load", { method: "POST" })).status).toBe(200);
  expect((await server.ask("/v1/classify", post(bytes))).status).toBe(200);
});
