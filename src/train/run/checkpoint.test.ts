import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { NotFoundError, SaccadeError, UsageError } from "../../errors.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import { inferenceGraph, initialWeights } from "../../models/graph.ts";
import { defineModel } from "../../models/registry.ts";
import { nodeFiles } from "../../platform/node/files.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import { writeSafetensors } from "../../weights/safetensors.ts";
import { adamW } from "../optimizers/adamw.ts";
import { buildTrainStep } from "../step.ts";
import type { StateTensor } from "../updates.ts";
import {
  type Checkpoint,
  listCheckpoints,
  loadCheckpoint,
  loadProgress,
  removeTemporaries,
  saveCheckpoint,
} from "./checkpoint.ts";
import { type Progress, parseProgress, printProgress } from "./checkpoint-progress.ts";
import { stateOfTensors, tensorsOfState } from "./checkpoint-tensors.ts";
import { FaultyFiles, MemoryFiles } from "./memory-files.test-helper.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const definition = defineModel("sparseformer", {
  conv_dim: 4,
  num_latent_tokens: 2,
  num_sampling_points: 4,
  width_configs: [8],
  repeats: [1],
  ops_list: [["SAMPLING_M", "ATTN", "MLP"]],
  proj_dim: 3,
  attn_head_dim: 8,
  compatible_config: { pg_inner_dim: 4, min_out_points: 1 },
});
const graph = inferenceGraph(definition);
const model: NativeModel = {
  kind: "native",
  card: { name: "small", labels: ["a", "b", "c"], provenance: { note: "made by a test" } },
  definition,
  weights: initialWeights(graph, 1),
};
const step = buildTrainStep({
  model: definition,
  batch: 2,
  height: 32,
  width: 32,
  classes: 3,
  optimizer: adamW(),
  groups: { weightDecay: 0.05, freeze: ["*.bias"] },
  loss: "cross_entropy",
  ema: true,
  accumulate: 2,
});

/** State whose every number is `value`, so that mixed checkpoints show. */
function values(value: number, state: readonly StateTensor[] = step.state): Record<string, TensorData> {
  return Object.fromEntries(
    state.map(({ input, shape }) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
      return [input, tensor("float32", shape, data)];
    }),
  );
}

const progressAt = (at: number): Progress => ({
  step: at,
  epoch: 3,
  batchesDone: 7,
  seeds: { weights: 1, order: 2 ** 40 },
  recipeFingerprint: "0123456789abcdef",
  extra: { averages: [0.1, null, "x"], nested: { on: true } },
});

const checkpointAt = (at: number): Checkpoint => ({
  ...tensorsOfState(model, step.state, values(at)),
  progress: progressAt(at),
});

/** Reads the newest checkpoint and checks that all of it is of one step. */
async function loadWhole(files: MemoryFiles | typeof nodeFiles, path: string): Promise<number> {
  const loaded = await loadCheckpoint(files, path, { state: step.state });
  const feeds = stateOfTensors(loaded, step.state, "the checkpoint");
  for (const { data } of Object.values(feeds)) expect(data[0]).toBe(loaded.progress.step);
  return loaded.progress.step;
}

test("a checkpoint comes back as it was, bit for bit", async () => {
  const files = new MemoryFiles();
  const path = await saveCheckpoint(files, "/run/checkpoints", checkpointAt(12));
  expect(path).toBe("/run/checkpoints/checkpoint-12");
  expect(files.names(path)).toEqual(["config.json", "model.safetensors", "optimizer.safetensors", "state.json"]);
  const loaded = await loadCheckpoint(files, "/run/checkpoints", { state: step.state });
  expect(loaded.progress).toEqual(progressAt(12));
  expect(loaded.path).toBe(path);
  expect(loaded.model.card.labels).toEqual(["a", "b", "c"]);
  expect(stateOfTensors(loaded, step.state, path)).toEqual(values(12));
  expect(new Set(step.state.map(({ role }) => role))).toEqual(
    new Set(["parameter", "optimizer", "ema", "accumulator"]),
  );
  const frozen = [...model.weights.keys()].filter((name) => !step.trained.includes(name));
  expect(frozen.length).toBeGreaterThan(0);
  for (const name of frozen) expect(loaded.model.weights.get(name)).toEqual(model.weights.get(name));
  expect(await loadProgress(files, "/run/checkpoints")).toEqual(progressAt(12));
  expect((await loadCheckpoint(files, path)).progress.step).toBe(12); // the checkpoint's own folder does as well
});

test("what is not a number comes back too", async () => {
  const files = new MemoryFiles();
  const odd = { ...values(1), ...values(Number.NaN, step.state.slice(-1)) };
  await saveCheckpoint(files, "/c", { ...tensorsOfState(model, step.state, odd), progress: progressAt(1) });
  const feeds = stateOfTensors(await loadCheckpoint(files, "/c"), step.state, "");
  expect(feeds[step.state.at(-1)!.input]!.data[0]).toBeNaN();
});

test("a training without any state beside its parameters", async () => {
  const files = new MemoryFiles();
  const state = step.state.filter(({ role }) => role === "parameter");
  await saveCheckpoint(files, "/c", { ...tensorsOfState(model, state, values(4, state)), progress: progressAt(4) });
  expect((await loadCheckpoint(files, "/c", { state })).optimizer.size).toBe(0);
});

test("the newest are kept, the others deleted", async () => {
  const files = new MemoryFiles();
  for (const at of [8, 9, 10, 100]) await saveCheckpoint(files, "/c", checkpointAt(at));
  expect(files.names("/c")).toEqual(["checkpoint-10", "checkpoint-100"]);
  await saveCheckpoint(files, "/c", checkpointAt(200), { keep: 1 });
  expect(files.names("/c")).toEqual(["checkpoint-200"]);
  for (const at of [300, 400]) await saveCheckpoint(files, "/c", checkpointAt(at), { keep: 9 });
  expect((await listCheckpoints(files, "/c")).map((entry) => entry.step)).toEqual([400, 300, 200]);
  await expect(saveCheckpoint(files, "/c", checkpointAt(1), { keep: 0 })).rejects.toBeInstanceOf(UsageError);
});

test("a step saved again replaces the one before only once it is whole", async () => {
  const files = new MemoryFiles();
  await saveCheckpoint(files, "/c", checkpointAt(5), { keep: 1 });
  for (const name of ["checkpoint-5-2", "checkpoint-5-3"]) {
    await saveCheckpoint(files, "/c", checkpointAt(5), { keep: 1 });
    expect(files.names("/c")).toEqual([name]);
    expect(await loadWhole(files, "/c")).toBe(5);
  }
});

test("a run that went on from an earlier checkpoint leaves the later ones behind", async () => {
  const files = new MemoryFiles();
  for (const at of [10, 20, 30]) await saveCheckpoint(files, "/c", checkpointAt(at), { keep: 3 });
  await saveCheckpoint(files, "/c", checkpointAt(15), { keep: 2 });
  expect(files.names("/c")).toEqual(["checkpoint-10", "checkpoint-15"]);
});

test("progress that JSON cannot hold is refused before anything is written", async () => {
  const files = new MemoryFiles();
  for (const wrong of [{ step: 1.5 }, { epoch: -1 }, { seeds: { order: Number.NaN } }] as Partial<Progress>[])
    await expect(
      saveCheckpoint(files, "/c", { ...checkpointAt(1), progress: { ...progressAt(1), ...wrong } }),
    ).rejects.toThrow(/cannot be kept in a checkpoint/);
  expect(files.names("")).toEqual([]);
  expect(() => parseProgress(printProgress(progressAt(1)).replace('_checkpoint": 1', '_checkpoint": 2'), "f")).toThrow(
    /newer/,
  );
  expect(() => parseProgress("{", "f")).toThrow(/f: not valid JSON/);
  expect(() => parseProgress("{}", "f")).toThrow(/step/);
});

describe("what does not fit", () => {
  test("nothing there", async () => {
    const files = new MemoryFiles();
    await expect(loadCheckpoint(files, "/none")).rejects.toBeInstanceOf(NotFoundError);
    await files.makeDirectory("/c/checkpoint-7.tmp");
    await expect(loadProgress(files, "/c")).rejects.toThrow(/checkpoint not found: \/c/);
  });

  test("state of another training is listed", async () => {
    const files = new MemoryFiles();
    await saveCheckpoint(files, "/c", checkpointAt(2));
    const [first, second, ...others] = step.state;
    const ema = others.find(({ role }) => role === "ema")!;
    const other: StateTensor[] = [
      { ...first!, shape: [...first!.shape, 1] },
      second!,
      ...others.filter((s) => s !== ema),
      { input: "lion.exp_avg.x", output: "next.x", shape: [1], parameter: "x", role: "optimizer" },
    ];
    const error: SaccadeError = await loadCheckpoint(files, "/c", { state: other }).catch((e) => e);
    expect(error.code).toBe("checkpoint_mismatch");
    expect(error.message).toContain("missing (1): lion.exp_avg.x");
    expect(error.message).toContain(`unexpected (1): ${ema.input}`);
    expect(error.message).toContain(`different (1): ${first!.input} is float32[`);
  });

  test("values that are not given are named", () => {
    const { [step.state[0]!.input]: _, ...rest } = values(1);
    expect(() => tensorsOfState(model, step.state, rest)).toThrow(step.state[0]!.input);
  });

  test("a damaged file is said, and which checkpoint is left", async () => {
    for (const name of ["config.json", "model.safetensors", "optimizer.safetensors", "state.json"])
      for (const damage of ["torn", "gone"]) {
        const files = new MemoryFiles();
        await saveCheckpoint(files, "/c", checkpointAt(1));
        const path = `${await saveCheckpoint(files, "/c", checkpointAt(2))}/${name}`;
        if (damage === "gone") files.entries.delete(path);
        else files.entries.set(path, files.entries.get(path)!.slice(0, -9));
        const error: SaccadeError = await loadCheckpoint(files, "/c", { state: step.state }).catch((e) => e);
        expect(error, `${name} ${damage}`).toBeInstanceOf(SaccadeError);
        expect(error.code).toBe("checkpoint_damaged");
        expect(error.hint).toBe("delete it, and the run goes on from /c/checkpoint-1");
        await files.remove("/c/checkpoint-2");
        expect(await loadWhole(files, "/c")).toBe(1);
      }
  });

  test("a tensor too few in the file", async () => {
    const files = new MemoryFiles();
    const path = await saveCheckpoint(files, "/c", checkpointAt(1));
    await files.writeAtomic(`${path}/optimizer.safetensors`, writeSafetensors(new Map()));
    await expect(loadCheckpoint(files, "/c", { state: step.state })).rejects.toThrow(/missing \(\d+\): adamw/);
  });
});

describe.each([
  { how: "an operation fails", dies: false },
  { how: "the process dies in an operation", dies: true },
])("$how", ({ dies }) => {
  test.each([1, 2])("the newest checkpoint is whole, keeping %i", async (keep) => {
    let failed = true;
    for (let failAt = 1; failed; failAt++) {
      const files = new MemoryFiles();
      for (const at of [1, 2]) await saveCheckpoint(files, "/c", checkpointAt(at), { keep });
      const faulty = new FaultyFiles(files, failAt, dies);
      const saved = await saveCheckpoint(faulty, "/c", checkpointAt(3), { keep }).then(
        () => true,
        () => false,
      );
      failed = faulty.failed;
      const newest = await loadWhole(files, "/c");
      if (saved) expect(newest).toBe(3);
      else expect([2, 3]).toContain(newest);
      // Everything that has a checkpoint's name is whole, not only the newest.
      for (const { path } of await listCheckpoints(files, "/c")) await loadWhole(files, path);
      await saveCheckpoint(files, "/c", checkpointAt(4), { keep });
      expect(await loadWhole(files, "/c")).toBe(4);
      expect(files.names("/c").length).toBe(keep);
    }
  });
});

test("on a disk", async () => {
  const path = join(folder, "run", "checkpoints");
  for (const at of [1, 2, 3]) await saveCheckpoint(nodeFiles, path, checkpointAt(at));
  await nodeFiles.makeDirectory(join(path, "checkpoint-9.tmp"));
  expect(await loadWhole(nodeFiles, path)).toBe(3);
  await removeTemporaries(nodeFiles, path);
  expect(readdirSync(path)).toEqual(["checkpoint-2", "checkpoint-3"]);
});

/** Saves checkpoints as fast as it can, with enough in them for a kill to hit each part of the work. */
const SAVE_FOREVER = `
const [root, path] = process.argv.slice(1);
const { nodeFiles } = await import(root + "platform/node/files.ts");
const { saveCheckpoint, loadCheckpoint } = await import(root + "train/run/checkpoint.ts");
let checkpoint = await loadCheckpoint(nodeFiles, path);
for (const { data } of [...checkpoint.model.weights.values(), ...checkpoint.optimizer.values()]) data.fill(0);
for (let step = checkpoint.progress.step + 1; ; step++) {
  for (const { data } of [...checkpoint.model.weights.values(), ...checkpoint.optimizer.values()]) data.fill(step);
  checkpoint = { ...checkpoint, progress: { ...checkpoint.progress, step } };
  await saveCheckpoint(nodeFiles, path, checkpoint, { keep: 1 });
  process.stdout.write(".");
}
`;

test.skipIf(process.platform === "win32")("kill -9 at random moments", async () => {
  const path = join(folder, "killed");
  await saveCheckpoint(nodeFiles, path, checkpointAt(1));
  const root = new URL("../../", import.meta.url).href;
  let newest = 1;
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", SAVE_FOREVER, root, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exit = once(child, "exit");
    await Promise.race([once(child.stdout, "data"), exit]);
    await sleep(Math.random() * 100);
    child.kill("SIGKILL");
    expect((await exit)[1]).toBe("SIGKILL");
    const found = await loadWhole(nodeFiles, path);
    expect(found).toBeGreaterThan(newest);
    newest = found;
  }
});
