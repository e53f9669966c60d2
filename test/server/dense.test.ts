// Detectors and segmenters behind a server: toys whose answers can be said beforehand.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCounts } from "../../src/boxes/masks.ts";
import { exportOnnx } from "../../src/model-folder/compile.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { temporaryFolder } from "../cli/mini-model.ts";
import { colouredPicture, denseToy } from "../dense-toys.ts";
import { post, runServer, type TestServer } from "./running.ts";

const folder = temporaryFolder();
let server: TestServer;
let picture: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  const models = (["detections", "semantic"] as const).map((answers) => {
    const path = join(folder, `${answers}.onnx`);
    writeFileSync(path, exportOnnx(denseToy(answers)));
    return path;
  });
  server = await runServer(models);
  const pixels = colouredPicture(192, 128, [
    ["red", 16, 32, 32, 48],
    ["blue", 176, 112, 192, 128],
  ]);
  picture = Uint8Array.from(await nodeHost.encodePng(pixels));
}, 60_000);
afterAll(() => server.stop());

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
