// What commands and tasks say of a model that answers for every pixel: those that want an answer for the picture refuse it in words, before anything is
// computed; the others take it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { startingPoint } from "../src/train/start.ts";
import { cli } from "./cli/fake-terminal.ts";
import { PASTORAL, temporaryFolder } from "./cli/mini-model.ts";
import { toyOf } from "./registry-toys.ts";
import { tinyRecipe } from "./train/shapes.ts";

const definition = defineModel("dtop_base_ade20k", toyOf("dtop_base_ade20k").config);
const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name: "toy" });
const parent = temporaryFolder();
const folder = join(parent, "toy");
const file = join(parent, "toy.onnx");
await writeModelFolder(nodeHost.files, folder, model);
writeFileSync(file, exportOnnx(model));

test.each([
  ["a model folder", folder],
  ["its export", file],
])("classify refuses %s", async (_, path) => {
  const { exitCode, notes } = await cli(["classify", PASTORAL, "-m", path]);
  expect(exitCode).toBe(2);
  expect(notes.join("\n")).toContain("says of every pixel what it is, not of the picture");
  expect(notes.join("\n")).toContain("saccade segment asks it");
});

test("training refuses it, and is not silent about why", () => {
  const train = () => startingPoint(tinyRecipe(), ["a", "b"], model);
  expect(train).toThrow(UsageError);
  expect(train).toThrow(/a label of a whole picture does not teach it/);
});

test("inspect says what a picture costs, and that the picture decides it", async () => {
  const { stdout } = await cli(["inspect", folder]);
  expect(stdout.replace(/\s+/g, " ")).toMatch(
    /products .* MACs a picture, which decides at 2 places how many tokens go on/,
  );
  const json = JSON.parse((await cli(["inspect", folder, "--json"])).stdout);
  expect(json.decisions).toBe(2);
  expect(json.macs_at_least).toBeLessThan(json.macs);
});

test("embed takes it: the mean of all tokens", async () => {
  const { exitCode, stdout } = await cli(["embed", PASTORAL, "-m", folder, "--json"]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("24");
});
