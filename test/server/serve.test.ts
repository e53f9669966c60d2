// saccade serve, end to end: pictures as raw bodies, forms and JSON, answers as the library's, models by name and version, health, draining.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Classifier, Embedder } from "../../src/node.ts";
import { classificationToJson } from "../../src/tasks/classify/result-json.ts";
import { cli } from "../cli/fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { fileBytes, post, runServer, type TestServer } from "./running.ts";

const folder = temporaryFolder();
let server: TestServer;
let models: string[];
beforeAll(async () => {
  const vit = await writeVit(join(folder, "vit"));
  const other = await writeVit(join(folder, "other"), {}, ["x", "y"]);
  models = [`vit=${vit}`, `vit@2=${other}`];
  server = await runServer([...models], { tasks: "classify,embed" });
}, 60_000);
afterAll(() => server.stop());

async function answersOf(response: Response) {
  const json = (await response.json()) as { answers: Record<string, unknown>[]; error?: unknown };
  expect(json.error).toBeUndefined();
  return json.answers;
}

describe("answers", () => {
  test("a raw body is answered as the library answers", async () => {
    const response = await server.ask("/v1/classify?model=vit@1&top_k=3", post(fileBytes(PASTORAL)));
    expect(response.status).toBe(200);
    expect(response.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
    const { model, version, device, answers } = (await response.json()) as Record<string, unknown> & {
      answers: [{ spent: unknown }];
    };
    expect([model, version, device]).toEqual(["vit", "1", "cpu"]);
    await using classifier = await Classifier.load(join(folder, "vit"), { device: "cpu", threads: 1 });
    const expected = JSON.parse(JSON.stringify(classificationToJson(await classifier.classify(PASTORAL, { topK: 3 }))));
    const { spent, ...answer } = answers[0];
    expect(answer).toEqual(expected);
    expect(spent).toMatchObject({ batch_size: 1, decode_ms: expect.any(Number), run_ms: expect.any(Number) });
  });

  test("a form with several pictures gives an answer each, in their order, and an error where one is damaged", async () => {
    const form = new FormData();
    form.append("image", new Blob([fileBytes(PASTORAL)]), "a.jpg");
    form.append("image", new Blob(["no picture at all"]), "b.jpg");
    form.append("image", new Blob([fileBytes(BOATS)]), "c.jpg");
    form.append("top_k", "1");
    form.append("model", "vit");
    const answers = await answersOf(await server.ask("/v1/classify", post(form)));
    expect(answers).toHaveLength(3);
    expect(answers[0]!.predictions).toHaveLength(1);
    expect(answers[1]).toMatchObject({ error: { code: "not_an_image" } });
    expect(["x", "y"]).toContain((answers[2]!.predictions as [{ label: string }])[0].label); // the last version
  });

  test("JSON in base64, and embeddings equal to the library's", async () => {
    const body = JSON.stringify({
      images: [fileBytes(PASTORAL), fileBytes(BOATS)].map((b) => Buffer.from(b).toString("base64")),
      model: "vit@1",
    });
    const answers = await answersOf(await server.ask("/v1/embed", post(body, { "content-type": "application/json" })));
    await using embedder = await Embedder.load(join(folder, "vit"), { device: "cpu", threads: 1 });
    const expected = await embedder.embed([PASTORAL, BOATS]);
    for (const [i, { embedding }] of answers.entries())
      for (const [j, value] of (embedding as number[]).entries()) expect(value).toBeCloseTo(expected[i]![j]!, 5);
  });

  test("many requests at once run together", async () => {
    const bytes = fileBytes(PASTORAL);
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => server.ask("/v1/classify?model=vit@1", post(bytes))),
    );
    const sizes = await Promise.all(
      responses.map(async (response) => (await answersOf(response))[0]!.spent as { batch_size: number }),
    );
    expect(Math.max(...sizes.map(({ batch_size }) => batch_size))).toBeGreaterThan(1);
    const metrics = await (await server.ask("/metrics")).text();
    expect(metrics).toMatch(/saccade_pictures_total\{model="vit",version="1",task="classify",outcome="answered"\} \d+/);
    expect(metrics).toContain("saccade_batch_size_bucket");
  });
});

describe("what is wrong is said", () => {
  const refused = async (path: string, init: RequestInit) => {
    const response = await server.ask(path, init);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    return { status: response.status, code: error.code, message: error.message };
  };

  test("unknown models, tasks, fields, addresses, methods, kinds of bodies", async () => {
    const picture = post(fileBytes(PASTORAL));
    expect(await refused("/v1/classify?model=vti", picture)).toEqual({
      status: 404,
      code: "not_found",
      message: "model not found: vti",
    });
    expect(await refused("/v1/classify?model=vit@3", picture)).toMatchObject({ status: 404, code: "not_found" });
    expect(await refused("/v1/classify?model=vit&topk=3", picture)).toMatchObject({ status: 400, code: "usage" });
    expect(await refused("/v1/classify?model=vit&top_k=0", picture)).toMatchObject({ status: 400, code: "usage" });
    expect(await refused("/v1/classify?model=vit&threshold=0.5", picture)).toMatchObject({
      status: 400,
      code: "usage",
    });
    expect(await refused("/v1/search", picture)).toMatchObject({ status: 404, code: "no_such_task" });
    expect(await refused("/v1/nothing", picture)).toMatchObject({ status: 404, code: "no_such_address" });
    expect(await refused("/v1/classify", { method: "GET" })).toMatchObject({ status: 405, code: "method" });
    expect(await refused("/v1/classify?model=vit", post("hello", { "content-type": "text/plain" }))).toMatchObject({
      status: 415,
      code: "unsupported_media_type",
    });
    expect(await refused("/v1/classify?model=vit", post(new TextEncoder().encode("not a picture")))).toMatchObject({
      status: 415,
      code: "not_an_image",
    });
    const json = { "content-type": "application/json" };
    const address = JSON.stringify({ image: "https://example.org/a.jpg" });
    expect(await refused("/v1/classify?model=vit", post(address, json))).toEqual({
      status: 400,
      code: "usage",
      message: "addresses are not fetched",
    });
    expect(await refused("/v1/classify?model=vit", post("{", json))).toMatchObject({ status: 400, code: "usage" });
  });

  test("the log has the request and neither pictures nor labels", async () => {
    await server.ask("/v1/classify?model=vit", { ...post(fileBytes(PASTORAL)), headers: { "x-request-id": "mine-1" } });
    const line = server.log.find((one) => one.request_id === "mine-1");
    expect(line).toMatchObject({ event: "request", route: "/v1/classify", status: 200, model: "vit" });
    expect(JSON.stringify(server.log)).not.toMatch(/"label|march|image\.jpg/);
  });
});

test("health, models and the description of the protocol", async () => {
  expect((await server.ask("/livez")).status).toBe(200);
  expect((await server.ask("/readyz")).status).toBe(200);
  expect(await (await server.ask("/v1/models")).json()).toMatchObject({
    models: [
      { name: "vit", version: "1", state: "ready", tasks: ["classify", "embed"], classes: 5, max_batch: 4 },
      { name: "vit", version: "2", state: "ready", classes: 2 },
    ],
  });
  const document = (await (await server.ask("/openapi.json")).json()) as {
    openapi: string;
    paths: Record<string, unknown>;
  };
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths)).toContain("/v1/classify");
  const docs = await (await server.ask("/docs")).text();
  expect(docs).toContain("/v1/classify");
  expect(docs).not.toMatch(/<script|https?:\/\//);
});

test("a stopping server is not ready any more, answers what it is asked for a while, and then goes", async () => {
  const other = await runServer([models[0]!], { maxDelayMs: "200", graceMs: "1000" });
  const bytes = fileBytes(PASTORAL);
  const taken = Array.from({ length: 6 }, () => other.ask("/v1/classify", post(bytes)));
  await new Promise((resolve) => setTimeout(resolve, 60));
  const stopped = other.stop();
  expect((await other.ask("/readyz")).status).toBe(503);
  const statuses = (await Promise.allSettled(taken)).map((one) =>
    one.status === "fulfilled" ? one.value.status : "refused",
  );
  await stopped;
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
  await expect(other.ask("/livez")).rejects.toThrow();
});

test("a server of an index alone searches, and says that it has no model for what else is asked", async () => {
  const pictures = join(folder, "pictures");
  mkdirSync(pictures);
  copyFileSync(PASTORAL, join(pictures, "pastoral.jpg"));
  const index = join(folder, "index");
  expect((await cli(["index", pictures, "--out", index, "--model", join(folder, "vit")])).exitCode).toBe(0);
  const searching = await runServer([], { index });
  try {
    const found = await answersOf(await searching.ask("/v1/search", post(fileBytes(PASTORAL))));
    expect(found[0]).toMatchObject({ matches: [{ path: join(pictures, "pastoral.jpg") }] });
    const response = await searching.ask("/v1/classify", post(fileBytes(PASTORAL)));
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { code: "no_such_task", hint: expect.stringContaining("started without a model") },
    });
  } finally {
    await searching.stop();
  }
});
