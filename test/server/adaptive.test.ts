// Models in steps behind a server: early stops by request, drawn explanations, and smaller budgets where the queue is crowded.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { PASTORAL, temporaryFolder } from "../cli/mini-model.ts";
import { fileBytes, post, runServer, type TestServer } from "./running.ts";

interface Answered {
  readonly steps: readonly { macs: number }[];
  readonly stopped: string;
  readonly explained?: { readonly media_type: string; readonly data: string };
  readonly spent: { readonly cost_share?: number };
}

const folder = join(temporaryFolder(), "gfnet");
const picture = fileBytes(PASTORAL);
let server: TestServer;
beforeAll(async () => {
  const definition = defineModel("gfnet", {
    arch: "resnet50",
    backbone: { block: "BasicBlock", layers: [1], channels: [8], stem_channels: 4 },
    ...{
      patch_size: 32,
      image_size: 40,
      T: 3,
      fc_hidden_dim: 8,
      policy_conv: true,
      policy_hidden_dim: 8,
      class_num: 4,
    },
  });
  const weights = initialWeights(inferenceGraph(definition), 3);
  const card = { name: "toy", labels: ["a", "b", "c", "d"], transform: "resize(40,40)|normalize(imagenet)" };
  await writeModelFolder(nodeHost.files, folder, nativeModel(definition, weights, card));
  const limits = { maxBatch: "1", maxDelayMs: "0", maxQueue: "12", overloadFrom: "0", overloadFloor: "0.1" };
  server = await runServer([`toy=${folder}`], limits);
}, 60_000);
afterAll(() => server.stop());

async function ask(query = ""): Promise<Answered> {
  const response = await server.ask(`/v1/classify${query}`, post(picture));
  expect(response.status).toBe(200);
  return ((await response.json()) as { answers: [Answered] }).answers[0];
}

test("a request says when a picture is sure enough, or what it may cost", async () => {
  const whole = await ask();
  expect([whole.steps.length, whole.stopped, whole.spent.cost_share]).toEqual([3, "complete", undefined]);
  const sure = await ask("?threshold=0.1");
  expect([sure.steps.length, sure.stopped]).toEqual([1, "confident"]);
  const cheap = await ask(`?budget_macs=${whole.steps[1]!.macs}`);
  expect([cheap.steps.length, cheap.stopped]).toEqual([2, "budget"]);
  expect(await (await server.ask("/metrics")).text()).toMatch(
    /saccade_exits_total\{[^}]*step="1",reason="confident"\} 1/,
  );
});

test("where it looked is drawn", async () => {
  const { explained } = await ask("?explain=png");
  expect(explained?.media_type).toBe("image/png");
  expect(Buffer.from(explained!.data, "base64").subarray(1, 4).toString()).toBe("PNG");
});

test("a crowded queue costs less before it refuses, and says so", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask()));
  const lowered = answers.filter(({ spent }) => spent.cost_share !== undefined);
  expect(lowered.length).toBeGreaterThan(0);
  const whole = Math.max(...answers.map(({ steps }) => steps.length));
  const least = lowered.reduce((a, b) => (a.spent.cost_share! < b.spent.cost_share! ? a : b));
  expect(least.steps.length).toBeLessThan(whole + 1);
  expect(least.stopped).toBe("budget");
  expect(await (await server.ask("/metrics")).text()).toMatch(/saccade_lowered_total\{[^}]*\} [1-9]/);
});
