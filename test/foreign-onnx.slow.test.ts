// ONNX files as other programs write them, through the command line, on ONNX Runtime's native build and its WebAssembly build.
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createSession, Embedder } from "../src/node.ts";
import { tensor } from "../src/tensor.ts";
import { readSafetensors } from "../src/weights/safetensors.ts";
import { cli } from "./cli/fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeInput } from "./cli/mini-model.ts";

const CASES = resolve(import.meta.dirname, "cases/onnx");
const model = (name: string) => join(CASES, name);
const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const home = process.cwd();
afterEach(() => process.chdir(home));

const ENGINES = ["cpu", "wasm"] as const;

/** Scores by index for each picture, as --json gives them. */
async function scoresOf(file: string, pictures: readonly string[], ...more: string[]): Promise<number[][]> {
  const run = await cli(["classify", ...pictures, "-m", file, "--json", "-k", "9", ...more]);
  expect([run.exitCode, run.notes.filter((line) => !line.includes("does not say how"))]).toEqual([0, []]);
  const answers = run.stdout.trimEnd().split("\n");
  return answers.map((line) => {
    const { predictions } = JSON.parse(line) as { predictions: { index: number; score: number }[] };
    return predictions.toSorted((a, b) => a.index - b.index).map(({ score }) => score);
  });
}

const close = (rows: readonly (readonly number[])[]) => rows.map((row) => row.map((value) => expect.closeTo(value, 5)));

describe("weights in another file", () => {
  const [a, b] = [model("external-a/model.onnx"), model("external-b/model.onnx")];

  test.each(ENGINES)("%s: are those beside the model, whatever the working directory", async (device) => {
    const expected = await scoresOf(a, [PASTORAL], "--device", device);
    const other = await scoresOf(b, [PASTORAL], "--device", device);
    expect(other).not.toEqual(close(expected));
    process.chdir(model("external-b"));
    expect(await scoresOf("../external-a/model.onnx", [PASTORAL], "--device", device)).toEqual(close(expected));
    expect(await scoresOf("model.onnx", [PASTORAL], "--device", device)).toEqual(close(other));
  });

  test("become one file that answers the same", async () => {
    const expected = await scoresOf(a, [PASTORAL]);
    expect((await cli(["export", a, at("one.onnx")])).exitCode).toBe(0);
    const labels = at("labels.txt");
    writeFileSync(labels, "a\nb\nc\nd\ne\n");
    const convert = ["convert", a, at("two.onnx"), "--labels", labels, "--transform", "resize(32,32)"];
    expect((await cli(convert)).stdout).toContain("5 labels");
    expect(await scoresOf(at("one.onnx"), [PASTORAL])).toEqual(close(expected));
    const { card } = JSON.parse((await cli(["inspect", at("two.onnx"), "--json"])).stdout);
    expect(card).toMatchObject({ labels: ["a", "b", "c", "d", "e"], transform: "resize(32,32)" });
    expect((await cli(convert)).exitCode).toBe(2); // it is there
    writeFileSync(labels, "a\nb\n");
    expect((await cli([...convert, "--force"])).notes.join()).toContain("5 classes, but there are 2 labels");
    expect((await cli(["convert", a, at("a-folder")])).notes.join()).toContain("ends in .onnx");
    expect((await cli(["export", a, at("three.onnx"), "--batch", "1"])).exitCode).toBe(2);
  });

  test("count in what inspect says", async () => {
    const { file_bytes, external, tensor_bytes } = JSON.parse((await cli(["inspect", a, "--json"])).stdout);
    expect([file_bytes, tensor_bytes, external]).toEqual([278, 540, [{ location: "model.onnx.data", bytes: 540 }]]);
    expect((await cli(["inspect", a])).stdout).toContain("model.onnx.data, 540 B");
  });

  test("run, embed and bench have them too", async () => {
    process.chdir(model("external-b"));
    const input = writeInput(at("image.safetensors"), [
      ["image", tensor("float32", [1, 3, 32, 32], new Float32Array(3072).fill(0.5))],
    ]);
    const outputs = [];
    for (const file of ["../external-a/model.onnx", at("one.onnx")]) {
      expect((await cli(["run", file, "--input", input, "--output", at("out")])).exitCode).toBe(0);
      outputs.push([...readSafetensors(readFileSync(at("out"))).tensors.get("logits")!.data]);
    }
    expect(outputs[0]).toEqual(outputs[1]);
    await using embedder = await Embedder.load("../external-a/model.onnx", { onNotice: () => undefined });
    await using whole = await Embedder.load(at("one.onnx"), { onNotice: () => undefined });
    expect(await embedder.embed(PASTORAL)).toEqual(await whole.embed(PASTORAL));
  });

  test("are an input, which no output may replace", async () => {
    cpSync(model("external-a"), at("kept"), { recursive: true });
    const kept = join(at("kept"), "model.onnx");
    const { exitCode, notes } = await cli(["export", kept, `${kept}.data`]);
    expect([exitCode, notes.join("\n")]).toEqual([2, expect.stringContaining("would be replaced")]);
    expect(readFileSync(`${kept}.data`)).toEqual(readFileSync(`${a}.data`));
  });

  test("bytes alone, and a session over them, are refused with what to do", async () => {
    const bytes = readFileSync(a);
    const refusal = expect.objectContaining({ hint: expect.stringContaining("path of the .onnx file") });
    await expect(Embedder.load(bytes)).rejects.toEqual(refusal);
    for (const device of ENGINES) await expect(createSession(bytes, { device })).rejects.toEqual(refusal);
  });

  test.each([
    ["missing", undefined, /weights of .* not found: model.onnx.data/],
    ["cut", 300, /bytes 0 to 540 of "model.onnx.data", which has 300/],
  ] as const)("%s: said in a line", async (name, length, message) => {
    mkdirSync(at(name));
    copyFileSync(a, join(at(name), "model.onnx"));
    if (length !== undefined)
      writeFileSync(join(at(name), "model.onnx.data"), readFileSync(`${a}.data`).subarray(0, length));
    for (const command of [["classify", PASTORAL, "-m"], ["inspect"]]) {
      const { exitCode, notes } = await cli([...command, join(at(name), "model.onnx")]);
      expect([exitCode, notes.join("\n")]).toEqual([1, expect.stringMatching(message)]);
    }
  });

  test.skipIf(process.platform === "win32")("a link out of the folder is not followed", async () => {
    cpSync(model("external-a"), at("linked"), { recursive: true, filter: (path) => !path.endsWith(".data") });
    symlinkSync(`${b}.data`, join(at("linked"), "model.onnx.data"));
    const { exitCode, notes } = await cli(["classify", PASTORAL, "-m", join(at("linked"), "model.onnx")]);
    expect([exitCode, notes.join("\n")]).toEqual([1, expect.stringContaining("not in its folder")]);
  });
});

describe.each(ENGINES)("%s", (device) => {
  test("a file that ends in Softmax answers as the one without", async () => {
    const expected = await scoresOf(model("conf_logits.onnx"), [PASTORAL, BOATS], "--device", device);
    const answered = await scoresOf(model("conf_softmax.onnx"), [PASTORAL, BOATS], "--device", device);
    expect(answered).toEqual(close(expected));
    expect(Math.max(...answered[0]!)).toBeGreaterThan(0.9);
  });

  test("one number a picture asks what it is, and takes the answer", async () => {
    const file = model("one-score.onnx");
    const asked = await cli(["classify", PASTORAL, "-m", file, "--device", device]);
    expect([asked.exitCode, asked.stdout]).toEqual([2, ""]);
    expect(asked.notes.join("\n")).toContain("independent-logits");
    const [[no, yes]] = (await scoresOf(file, [PASTORAL], "--device", device, "--scores", "independent-logits")) as [
      [number, number],
    ];
    expect(no + yes).toBeCloseTo(1, 6);
    expect(yes).toBeGreaterThan(0.5); // a mean of what is above zero
  });

  test("(N, classes, 1, 1) that the file does not declare", async () => {
    const [scores] = await scoresOf(model("rank4.onnx"), [PASTORAL], "--device", device);
    expect(scores).toHaveLength(5);
    expect(new Set(scores).size).toBeGreaterThan(1);
  });

  test("a batch that the file fixes: many pictures, each with its own answer", async () => {
    const file = model("fixed1.onnx");
    const [pastoral] = await scoresOf(file, [PASTORAL], "--device", device);
    const [boats] = await scoresOf(file, [BOATS], "--device", device);
    const many = await scoresOf(file, [PASTORAL, BOATS, BOATS, PASTORAL], "--device", device);
    expect(many).toEqual(close([pastoral!, boats!, boats!, pastoral!]));
  });
});

test("what the scores are can be written into the file", async () => {
  const out = at("yes-no.onnx");
  const convert = await cli(["convert", model("one-score.onnx"), out, "--scores", "independent-logits"]);
  expect(convert.exitCode).toBe(0);
  expect((await cli(["inspect", out])).stdout).toContain("independent-logits, in the output logits");
  const written = await scoresOf(out, [PASTORAL]);
  expect(written).toEqual(close(await scoresOf(model("one-score.onnx"), [PASTORAL], "--scores", "independent-logits")));
});

test("inspect says what the scores are, and from what", async () => {
  expect((await cli(["inspect", model("conf_softmax.onnx")])).stdout).toContain(
    "probabilities (from the graph's Softmax), in the output output0",
  );
  const { scores } = JSON.parse((await cli(["inspect", model("conf_logits.onnx"), "--json"])).stdout);
  expect(scores).toEqual({ kind: "logits", output: "l", isGuess: true });
});

test("eval measures the same confidence with and without the Softmax", async () => {
  const data = at("data");
  for (const [label, picture] of [
    ["a", PASTORAL],
    ["b", BOATS],
  ] as const) {
    mkdirSync(join(data, "val", label), { recursive: true });
    copyFileSync(picture, join(data, "val", label, "picture.jpg"));
  }
  const names = at("five.txt");
  writeFileSync(names, "a\nb\nc\nd\ne\n");
  const results = [];
  for (const name of ["conf_logits.onnx", "conf_softmax.onnx"]) {
    const { exitCode, stdout } = await cli(["eval", model(name), data, "--labels", names, "--json"]);
    expect(exitCode).toBe(0);
    results.push(JSON.parse(stdout));
  }
  expect(results[1].top1).toBe(results[0].top1);
  expect(results[1].ece).toBeCloseTo(results[0].ece, 5);
  expect(results[1].loss).toBeCloseTo(results[0].loss, 4);
});

describe("scores that are not numbers", () => {
  const damaged = at("nan.onnx");
  const infinite = at("infinite.onnx");
  const bytes = readFileSync(model("conf_logits.onnx"));
  // The weight s is one factor of 8: raw_data of four bytes.
  const factor = bytes.indexOf(Buffer.from([0x4a, 4, 0, 0, 0, 0x41])) + 2;
  for (const [path, value] of [
    [damaged, Number.NaN],
    [infinite, Number.POSITIVE_INFINITY],
  ] as const) {
    const changed = Buffer.from(bytes);
    changed.writeFloatLE(value, factor);
    writeFileSync(path, changed);
  }

  test.each(ENGINES)("%s: are an error for each picture, and for embeddings", async (device) => {
    for (const command of [
      ["classify", PASTORAL, BOATS],
      ["embed", PASTORAL],
    ])
      for (const file of [damaged, infinite]) {
        const { exitCode, stdout, notes } = await cli([...command, "-m", file, "--device", device]);
        expect([exitCode, stdout]).toEqual([1, ""]);
        expect(notes.join("\n")).toContain("not all finite numbers");
        expect(notes.join("\n")).toContain("inspect MODEL --check");
      }
  });

  test("stop an evaluation, which would be flattered without such pictures", async () => {
    const { exitCode, stdout, notes } = await cli(["eval", damaged, at("data"), "--labels", at("five.txt")]);
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(notes.join("\n")).toContain("not all finite numbers");
  });

  test("inspect --check names the weight and the node", async () => {
    const { exitCode, stdout } = await cli(["inspect", damaged, "--check", "--json"]);
    expect(exitCode).toBe(1);
    const { tensors, trial } = JSON.parse(stdout);
    expect(tensors).toMatchObject([
      { name: "W", nan: 0 },
      { name: "s", nan: 1 },
    ]);
    expect(trial).toMatchObject({ isDamaged: true, firstNan: { name: "l", op: "Mul", weights: ["s"] } });
    const sound = await cli(["inspect", model("fixed1.onnx"), "--check"]);
    expect([sound.exitCode, sound.stdout]).toEqual([
      0,
      expect.stringContaining("all 5 values of the model are finite"),
    ]);
  });
});

test("a TensorFlow SavedModel is not called an ONNX model", async () => {
  // saved_model_schema_version, then meta_graphs with meta_info_def
  writeFileSync(at("saved_model.pb"), Uint8Array.of(8, 1, 18, 4, 10, 2, 34, 0));
  const { exitCode, notes } = await cli(["classify", PASTORAL, "-m", at("saved_model.pb")]);
  expect(exitCode).toBe(1);
  expect(notes.join("\n")).toContain("is a TensorFlow SavedModel");
  expect(notes.join("\n")).toContain("tf2onnx");
});
