// Detectors, segmenters, analysers of faces and restorers behind a server: toys whose answers can be said beforehand, or are the library's.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCounts } from "../../src/boxes/masks.ts";
import type { RawImage } from "../../src/image/raw-image.ts";
import { exportOnnx } from "../../src/model-folder/compile.ts";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { FaceAnalyzer, Restorer } from "../../src/node.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { faceResultJson } from "../../src/tasks/faces/result-json.ts";
import { temporaryFolder } from "../cli/mini-model.ts";
import { colouredPicture, denseToy } from "../dense-toys.ts";
import { toyOf } from "../registry-toys.ts";
import { post, runServer, type TestServer } from "./running.ts";

const folder = temporaryFolder();
let server: TestServer;
let pixels: RawImage;
let picture: Uint8Array<ArrayBuffer>;

/** A registered model's toy with random weights, as a folder. */
async function toyFolder(name: "facexformer" | "rrformer"): Promise<string> {
  const definition = defineModel(name, toyOf(name).config);
  const path = join(folder, name);
  const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name });
  await writeModelFolder(nodeHost.files, path, model);
  return path;
}

beforeAll(async () => {
  const models = (["detections", "semantic"] as const).map((answers) => {
    const path = join(folder, `${answers}.onnx`);
    writeFileSync(path, exportOnnx(denseToy(answers)));
    return path;
  });
  models.push(await toyFolder("facexformer"), await toyFolder("rrformer"));
  server = await runServer(models, { maxPixels: "30000" });
  pixels = colouredPicture(192, 128, [
    ["red", 16, 32, 32, 48],
    ["blue", 176, 112, 192, 128],
  ]);
  picture = Uint8Array.from(await nodeHost.encodePng(pixels));
}, 60_000);
afterAll(() => server.stop());

const JSON_BODY = { "Content-Type": "application/json" };

async function ask(path: string) {
  const response = await server.ask(path, post(picture));
  const json = (await response.json()) as { answers: [Record<string, never>]; model: string; error?: { code: string } };
  return { ...json, status: response.status };
}

test("things with their boxes, by label and score", async () => {
  const { model, answers } = await ask("/v1/detect?threshold=0.5");
  expect(model).toBe("detections");
  expect(answers[0]).toMatchObject({
    detections: [
      { label: "blue", index: 2, box: [176, 112, 192, 128].map((value) => expect.closeTo(value, 3)) },
      { label: "red", index: 0, box: [16, 32, 32, 48].map((value) => expect.closeTo(value, 3)) },
    ],
    picture: { width: 192, height: 128 },
    seen: 1,
  });
  const only = await ask("/v1/detect?only=red&most=1&suppression=none");
  expect(only.answers[0]).toMatchObject({ detections: [{ label: "red" }] });
});

test("parts with their masks", async () => {
  const { model, answers } = await ask("/v1/segment?only=red,blue");
  expect(model).toBe("semantic");
  const { kind, segments } = answers[0] as unknown as {
    kind: string;
    segments: { label: string; share: number; mask: { size: [number, number]; counts: string } }[];
  };
  expect(kind).toBe("semantic");
  expect(segments.map(({ label }) => label).sort()).toEqual(["blue", "red"]);
  for (const { share, mask } of segments) {
    const { counts } = readCounts(mask.counts, { width: 192, height: 128 }, "the answer");
    const inside = counts.filter((_, i) => i % 2 === 1).reduce((sum, count) => sum + count, 0);
    expect(mask.size).toEqual([128, 192]);
    expect(inside / (128 * 192)).toBeCloseTo(share, 6);
  }
});

test("what faces are like, of a picture and of boxes on it", async () => {
  await using analyzer = await FaceAnalyzer.load(join(folder, "facexformer"), { device: "cpu" });
  const { model, answers } = await ask("/v1/faces");
  expect(model).toBe("facexformer");
  const whole = faceResultJson(await analyzer.analyze(pixels));
  expect(answers[0]).toMatchObject({ width: 192, height: 128, faces: [{ box: [0, 0, 192, 128] }] });
  const [face] = (answers[0] as unknown as typeof whole).faces;
  expect(Object.keys(face!)).toEqual(Object.keys(whole.faces[0]!));
  expect(face!.pose.yaw).toBeCloseTo(whole.faces[0]!.pose.yaw, 2);
  const two = await ask("/v1/faces?faces=10,10,30,30;40,20,80,60");
  expect(two.answers[0]).toMatchObject({ faces: [{ box: [5, 5, 35, 35] }, { box: [30, 10, 90, 70] }] });
  const image = Buffer.from(picture).toString("base64");
  const json = await server.ask("/v1/faces", post(JSON.stringify({ image, faces: [[10, 10, 30, 30]] }), JSON_BODY));
  expect(await json.json()).toMatchObject({ answers: [{ faces: [{ box: [5, 5, 35, 35] }] }] });
});

test("a picture as it should be, in JSON and as a file", async () => {
  await using restorer = await Restorer.load(join(folder, "rrformer"), { device: "cpu" });
  const expected = await restorer.restore(pixels);
  const { model, answers } = await ask("/v1/restore");
  expect(model).toBe("rrformer");
  expect(answers[0]).toMatchObject({
    ...{ width: 192, height: 128, tiles: expected.tiles },
    restored: { media_type: "image/png" },
    spent: { batch_size: 1 },
  });
  const { restored } = answers[0] as unknown as { restored: { data: string } };
  const png = await server.ask("/v1/restore?format=png", post(picture));
  expect([png.status, png.headers.get("content-type")]).toEqual([200, "image/png"]);
  const file = Buffer.from(await png.arrayBuffer());
  expect(file.toString("base64")).toBe(restored.data);
  expect((await nodeHost.decode(file)).data).toEqual(expected.picture.data);
});

test("faces that are nowhere, boxes that are none, several pictures for one answer, and pictures that are too large are refused", async () => {
  expect(await ask("/v1/faces?faces=500,10,530,30")).toMatchObject({ status: 400, error: { code: "usage" } });
  expect(await ask("/v1/faces?faces=10,10,30")).toMatchObject({ status: 400, error: { code: "usage" } });
  const image = Buffer.from(picture).toString("base64");
  const two = post(JSON.stringify({ images: [image, image] }), JSON_BODY);
  expect((await server.ask("/v1/restore", two)).status).toBe(400);
  expect((await server.ask("/v1/faces?faces=10,10,30,30", two)).status).toBe(400);
  expect(((await (await server.ask("/v1/faces", two)).json()) as { answers: unknown[] }).answers).toHaveLength(2);
  const damaged = await server.ask("/v1/restore", post(picture.slice(0, picture.length / 2)));
  expect(damaged.status).toBe(422);
  expect((await server.ask("/v1/restore", post("no picture"))).status).toBe(415);
  const large = Uint8Array.from(await nodeHost.encodePng(colouredPicture(256, 128, [])));
  expect((await server.ask("/v1/restore", post(large))).status).toBe(413);
  expect((await server.ask("/v1/faces?faces=10,10,30,30", post(large))).status).toBe(413);
});

test("the OpenAPI document describes both", async () => {
  const { paths } = (await (await server.ask("/openapi.json")).json()) as {
    paths: Record<string, { post: { responses: { "200": { content: object } } } }>;
  };
  expect(Object.keys(paths["/v1/restore"]!.post.responses["200"].content)).toEqual(["application/json", "image/png"]);
  expect(JSON.stringify(paths["/v1/faces"])).toContain("landmarks");
});

test("what a model cannot be asked is refused before it runs", async () => {
  expect(await ask("/v1/segment?kind=panoptic")).toMatchObject({ status: 400, error: { code: "usage" } });
  expect(await ask("/v1/detect?only=mauve")).toMatchObject({ status: 400, error: { code: "usage" } });
  expect(await ask("/v1/detect?model=semantic")).toMatchObject({ status: 404, error: { code: "no_such_task" } });
  const inference = await server.ask("/v2/models/detections/infer", post("{}"));
  expect([inference.status, await inference.json()]).toEqual([
    404,
    { error: expect.stringMatching(/no answers as tensors/) },
  ]);
});
