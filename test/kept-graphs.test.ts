// What an engine made of a model is taken up again by whoever loads the same model in the same way, with the same answers to the bit.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { loadModel } from "../src/model-folder/load.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { KeptGraphs } from "../src/platform/node/kept-graphs.ts";
import { createKeptSession } from "../src/platform/node/kept-session.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import type { EngineOptions, ModelSource } from "../src/tasks/engine/engine.ts";
import { PASTORAL, temporaryFolder, writeMini } from "./cli/mini-model.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-graphs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const mini = writeMini(temporaryFolder(), "sparseformer_v1_mini_64x64");

/** How many models were made for sessions whose models are kept, and the numbers that came out. */
async function embed(source: ModelSource, options: EngineOptions = {}) {
  let made = 0;
  let keys = 0;
  const host: typeof nodeHost = {
    ...nodeHost,
    createKeptSession: (key, model, all) => {
      keys += 1;
      const counted = () => {
        made += 1;
        return model();
      };
      return createKeptSession(nodeHost.machine, key, counted, {
        ...all,
        graphs: new KeptGraphs(folder),
        madeBy: "test",
      });
    },
  };
  await using embedder = await loadEmbedder(host, source, { device: "cpu", threads: 1, ...options });
  const numbers = [...(await embedder.embed(PASTORAL))];
  return { made, keys, numbers };
}

const PATIENCE = { timeout: 30_000 };

/** Files get their names in the background. */
const untilKept = () =>
  vi.waitFor(() => expect(readdirSync(folder).filter((file) => file.endsWith(".onnx"))).toHaveLength(1), PATIENCE);

test("the second time nothing is built, and the answer is the same", async () => {
  const without = await embed(mini, { graphCache: false });
  expect([without.keys, without.made]).toEqual([0, 0]);
  const first = await embed(mini);
  expect([first.keys, first.made]).toEqual([1, 1]);
  await untilKept();
  const second = await embed(mini);
  expect([second.keys, second.made]).toEqual([1, 0]);
  expect(first.numbers).toEqual(without.numbers);
  expect(second.numbers).toEqual(without.numbers);
});

test("other options are another graph; weights that were changed and files of others are none", async () => {
  expect((await embed(mini, { precision: "int8" })).made).toBe(1);
  expect((await embed(mini, { transform: "resize(64,64)|normalize(inception)" })).made).toBe(1);
  const model = await loadModel(nodeHost, mini);
  if (model.kind !== "native") throw new Error("a model folder of this library is native");
  const changed = new Map([...model.weights].map(([name, value]) => [name, { ...value, data: value.data.slice() }]));
  expect((await embed({ ...model, weights: changed } as ModelSource)).keys).toBe(0);
  expect((await embed(exportOnnx(model))).keys).toBe(0);
});
