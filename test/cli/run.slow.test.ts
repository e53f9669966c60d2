import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { numberToHalf, type TensorData, tensor, toFloat32 } from "../../src/tensor.ts";
import { readSafetensors } from "../../src/weights/safetensors.ts";
import { maxDifference, toleranceOf } from "../golden-case.ts";
import { cli } from "./fake-terminal.ts";
import { MINIS, requireGolden, temporaryFolder, writeInput, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const read = (path: string) => readSafetensors(readFileSync(path)).tensors;

describe.each(MINIS)("%s", (name) => {
  test("run gives the official numbers for every output", async () => {
    const golden = requireGolden(name);
    const model = writeMini(folder, name);
    const input = writeInput(at(`${name}.in`), [["image", golden.image]]);
    const output = at(`${name}.out`);
    const { exitCode, notes } = await cli(["run", model, "--input", input, "--output", output]);
    expect(notes).toEqual([]);
    expect(exitCode).toBe(0);
    const outputs = read(output);
    for (const [output, expected] of golden.outputs)
      expect([output, maxDifference(outputs.get(output), expected) <= toleranceOf(golden, output)]).toEqual([
        output,
        true,
      ]);
    expect([...outputs.keys()]).toEqual(expect.arrayContaining(["features", "gaze.0.regions", "gaze.0.points"]));
  });
});

const golden = requireGolden("sparseformer_v1_mini_64x64");
const model = writeMini(folder, "sparseformer_v1_mini_64x64");
const input = writeInput(at("image.safetensors"), [["image", golden.image]]);

test("--outputs computes only those; WebAssembly gives the same numbers", async () => {
  const output = at("wasm.out");
  const args = [
    "run",
    model,
    "--input",
    input,
    "--output",
    output,
    "--outputs",
    "logits,token_roi",
    "--device",
    "wasm",
  ];
  const { exitCode, stdout } = await cli(args);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("computed on wasm");
  const outputs = read(output);
  expect([...outputs.keys()].sort()).toEqual(["logits", "token_roi"]);
  for (const [name, value] of outputs)
    expect(maxDifference(value, golden.outputs.get(name)!)).toBeLessThan(toleranceOf(golden, name));
});

test.each(["float64", "float16"] as const)("an image in %s is converted", async (dtype) => {
  const values = toFloat32(golden.image);
  const image: TensorData =
    dtype === "float64"
      ? tensor(dtype, golden.image.shape, Float64Array.from(values))
      : tensor(dtype, golden.image.shape, Uint16Array.from(values, numberToHalf));
  const output = at(`${dtype}.out`);
  const path = writeInput(at(`${dtype}.in`), [["image", image]]);
  expect((await cli(["run", model, "--input", path, "--output", output, "--outputs", "logits"])).exitCode).toBe(0);
  const difference = maxDifference(read(output).get("logits"), golden.outputs.get("logits")!);
  expect(difference).toBeLessThan(dtype === "float64" ? 2e-4 : 0.05);
});

const float32 = (...shape: number[]) =>
  tensor("float32", shape, new Float32Array(shape.reduce((product, size) => product * size, 1)));

test.each([
  ["no image", [["picture", float32(1, 3, 64, 64)]], 'no tensor "image"'],
  ["a wrong rank", [["image", float32(3, 64, 64)]], "expected 4 dimensions"],
  ["a wrong number of channels", [["image", float32(1, 4, 64, 64)]], "dimension 1 must be 3"],
  ["bytes", [["image", tensor("uint8", [1, 3, 2, 2], new Uint8Array(12))]], "scaled and normalised floats"],
] as [string, [string, TensorData][], string][])("%s is refused in words", async (_, tensors, message) => {
  const output = at("refused.out");
  const path = writeInput(at("wrong.in"), tensors);
  const { exitCode, notes } = await cli(["run", model, "--input", path, "--output", output]);
  expect(notes.join("\n")).toContain(message);
  expect(exitCode).toBe(1);
  expect(existsSync(output)).toBe(false);
});

test("what the model does not take is said and ignored", async () => {
  const path = writeInput(at("more.in"), [
    ["image", golden.image],
    ["labels", tensor("int64", [2], BigInt64Array.of(1n, 2n))],
  ]);
  const { exitCode, notes } = await cli(["run", model, "--input", path, "--output", at("more.out")]);
  expect(exitCode).toBe(0);
  expect(notes.join()).toContain("does not take labels");
});

test.each([
  [["--outputs", "logit"], 2, 'no output "logit"'],
  [["--outputs", "a,,b"], 2, "commas"],
  [["--device", "gpu"], 2, "Allowed choices"],
  [["--output", join("nowhere", "at", "all.safetensors")], 1, "folder not found"],
  [["--input", "nowhere.safetensors"], 1, "file not found"],
] as [string[], number, string][])("%j: exit code %i", async (extra, exitCode, message) => {
  const run = await cli(["run", model, "--input", input, "--output", at("never.out"), ...extra]);
  expect(run.notes.join("\n")).toContain(message);
  expect(run.exitCode).toBe(exitCode);
});

test("an ONNX file is fed by the names of its inputs", async () => {
  const onnx = at("mini.onnx");
  expect((await cli(["export", model, onnx, "--no-verify"])).exitCode).toBe(0);
  const output = at("onnx.out");
  expect((await cli(["run", onnx, "--input", input, "--output", output])).exitCode).toBe(0);
  expect(maxDifference(read(output).get("logits"), golden.outputs.get("logits")!)).toBeLessThan(
    toleranceOf(golden, "logits"),
  );
});

test("nothing temporary is left behind", () => {
  expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
