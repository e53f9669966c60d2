// Fewer tokens where something is measured or trained.
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadModel, requireNative } from "../../src/model-folder/load.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { LABELS, writeShapes } from "../train/shapes.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder, writeVit } from "./mini-model.ts";
import { writeRecipe } from "./train-cases.ts";

const folder = temporaryFolder();
const vit = await writeVit(join(folder, "vit"), {}, LABELS);
const data = await writeShapes(join(folder, "data"), { train: 8, val: 4 });
const where = ["--threads", "1", "--device", "cpu"];
const EVIT = "keep=0.5@1:evit";

test("bench: each beside the model with all its tokens", async () => {
  const reductions = ["merge=3:tome", EVIT].flatMap((tokens) => ["--tokens", tokens]);
  const quick = ["--rounds", "3", "--seconds", "0.1", "--no-memory", "--no-limit"];
  const { exitCode, stdout } = await cli(["bench", vit, ...reductions, ...quick, ...where, "--json", "-"]);
  expect(exitCode).toBe(0);
  const { rows } = JSON.parse(stdout);
  expect(rows.map(({ model }: { model: string }) => model)).toEqual([vit, `${vit}, merge=3:tome`, `${vit}, ${EVIT}`]);
  const [dense, merged, fused] = rows.map(({ macs }: { macs: number }) => macs);
  expect(Math.max(merged, fused)).toBeLessThan(dense);
  expect(rows[1].ratio.median).toBeGreaterThan(0);
});

test("eval: the numbers are of the reduced model, and say so", async () => {
  const args = ["eval", vit, data, "--tokens", EVIT, ...where];
  expect(JSON.parse((await cli([...args, "--json"])).stdout)).toMatchObject({ tokens: EVIT });
  expect((await cli(args)).stdout).toContain(`vit with tokens ${EVIT} on `);
});

test("train: the model that comes out states them, and so does its recipe", async () => {
  const recipe = join(folder, "vit.json");
  writeRecipe(recipe, { architecture: "vit", config: {}, epochs: 1 });
  const out = join(folder, "run");
  const args = ["train", data, "--recipe", recipe, "--from", vit, "--tokens", EVIT, "--out", out, "--workers", "1"];
  expect((await cli([...args, ...where])).exitCode).toBe(0);
  const trained = requireNative(await loadModel(nodeHost, join(out, "best")));
  expect(trained.definition.config).toMatchObject({ tokens: EVIT });
  const kept = JSON.parse(new TextDecoder().decode(await nodeHost.files.read(join(out, "recipe.json"))));
  expect(kept.tokens).toBe(EVIT);
});
