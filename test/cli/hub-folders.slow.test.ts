// Folders for the hubs of timm and transformers through the commands.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { readSafetensors, writeSafetensors } from "../../src/weights/safetensors.ts";
import { maxDifference, toleranceOf } from "../golden-case.ts";
import {
  bareOnnx,
  LABELS,
  TIMM_CONFIG,
  TIMM_VIT,
  timmWeights,
  VIT,
  VIT_CONFIG,
  vitWeights,
  writeHubFolder,
  writeVit,
} from "../hub-toys.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeInput } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const TIMM_LABELS = Array.from({ length: 11 }, (_, i) => `name ${i}`);
const TRANSFORM = "resize(24,24,bilinear)|normalize(inception)";

let vit: string;
let unprepared: string;
let timm: string;
let optimum: string;
beforeAll(() => {
  vit = writeVit(at("vit"));
  unprepared = writeVit(at("unprepared"), { "preprocessor_config.json": undefined });
  const labelled = { ...TIMM_CONFIG, label_names: TIMM_LABELS };
  timm = writeHubFolder(at("timm"), { "config.json": labelled, "model.safetensors": timmWeights() });
  optimum = writeHubFolder(at("optimum"), { "config.json": labelled, "onnx/model.onnx": bareOnnx() });
});

interface Prediction {
  readonly label: string;
  readonly score: number;
}

/** Answers to PASTORAL. */
async function classify(model: string, ...more: string[]): Promise<Prediction[]> {
  const { exitCode, stdout, notes } = await cli(["classify", PASTORAL, "--model", model, "--json", "-k", "9", ...more]);
  expect([exitCode, notes]).toEqual([0, []]);
  const { predictions } = JSON.parse(stdout) as { predictions: Prediction[] };
  return predictions.map(({ label, score }) => ({ label, score }));
}

/** The answers of a folder as it is, which several tests compare with. */
const answers = new Map<string, Promise<Prediction[]>>();
function answersOf(model: string): Promise<Prediction[]> {
  const known = answers.get(model) ?? classify(model);
  answers.set(model, known);
  return known;
}

const close = (predictions: readonly Prediction[]) =>
  predictions.map(({ label, score }) => ({ label, score: expect.closeTo(score, 5) }));

test("converted and exported they answer as before", async () => {
  const [ours, file] = [at("ours"), at("vit.onnx")];
  const before = await answersOf(vit);
  expect(before.map(({ label }) => label).sort()).toEqual([...LABELS].sort());
  const converted = await cli(["convert", vit, ours]);
  expect(converted).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`transform ${TRANSFORM}`) });
  expect(await classify(ours)).toEqual(close(before));
  expect((await cli(["export", vit, file])).exitCode).toBe(0);
  expect(await classify(file)).toEqual(close(before));
});

test("timm's folder, and the same model as ONNX beside its config.json, answer alike", async () => {
  const [first] = await answersOf(timm);
  expect(TIMM_LABELS).toContain(first!.label);
  expect(await answersOf(optimum)).toEqual(close(await answersOf(timm)));
});

test("an ONNX folder becomes one file with all that is beside it", async () => {
  const refused = await cli(["convert", optimum, at("a-folder")]);
  expect([refused.exitCode, refused.notes.join()]).toEqual([2, expect.stringContaining("ends in .onnx")]);
  const file = at("optimum.onnx");
  expect(await cli(["convert", optimum, file])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/11 labels.*central_crop\(32\)/s),
  });
  expect(await classify(file)).toEqual(close(await answersOf(optimum)));
  expect((await cli(["export", optimum, at("copy.onnx")])).exitCode).toBe(0);
});

test("inspect says whose they are", async () => {
  const inspect = async (model: string) => JSON.parse((await cli(["inspect", model, "--check", "--json"])).stdout);
  expect(await inspect(vit)).toMatchObject({
    kind: "model folder",
    folder: { layout: "transformers", architecture: "vit" },
    card: { labels: LABELS, transform: TRANSFORM },
    trial: { isDamaged: false },
  });
  expect(await inspect(timm)).toMatchObject({ folder: { layout: "timm" }, card: { labels: TIMM_LABELS } });
  expect(await inspect(optimum)).toMatchObject({ kind: "onnx", card: { labels: TIMM_LABELS } });
  const { stdout, exitCode } = await cli(["inspect", unprepared], { columns: 200 });
  expect(exitCode).toBe(0);
  expect(stdout).toContain("it is a folder of transformers; saccade convert makes");
  expect(stdout).toContain("classify, embed, eval and convert must be told how pictures are prepared");
});

test("embed and eval take them", async () => {
  const vectors = at("vectors.safetensors");
  expect((await cli(["embed", PASTORAL, BOATS, "--model", vit, "--output", vectors])).exitCode).toBe(0);
  expect([...readSafetensors(readFileSync(vectors)).tensors.values()][0]!.shape).toEqual([2, 16]);
  const data = at("data");
  for (const [name, picture] of [
    ["cat", PASTORAL],
    ["dog", BOATS],
  ] as const) {
    mkdirSync(join(data, name), { recursive: true });
    writeFileSync(join(data, name, "1.jpg"), readFileSync(picture));
  }
  const evaluated = await cli(["eval", vit, data, "--json"]);
  expect(evaluated.exitCode).toBe(0);
  expect(JSON.parse(evaluated.stdout)).toMatchObject({ count: 2 });
});

test("without preprocessor_config.json, only what sees pictures must be told how they are prepared", async () => {
  for (const args of [
    ["classify", PASTORAL, "--model", unprepared],
    ["export", unprepared, at("none.onnx")],
  ]) {
    const { exitCode, notes } = await cli(args);
    expect([exitCode, notes.join()]).toEqual([1, expect.stringMatching(/preprocessor_config\.json.*--transform/s)]);
  }
  expect(await classify(unprepared, "--transform", TRANSFORM)).toEqual(close(await answersOf(vit)));
  const input = writeInput(at("in.safetensors"), [["image", VIT.image]]);
  const output = at("out.safetensors");
  expect(await cli(["run", unprepared, "--input", input, "--output", output])).toMatchObject({
    exitCode: 0,
    notes: [],
  });
  const { tensors } = readSafetensors(readFileSync(output));
  expect(maxDifference(tensors.get("logits"), VIT.outputs.get("logits")!)).toBeLessThan(toleranceOf(VIT, "logits"));
});

test("another size of pictures: preprocessing follows, or is asked for", async () => {
  const larger = ["--config", "img_size=32"];
  const told = await classify(vit, ...larger, "--transform", "resize(32,32,bilinear)|normalize(inception)");
  expect(await classify(vit, ...larger)).toEqual(close(told));
  expect(await answersOf(vit)).not.toEqual(close(told));
  const cropped = await classify(timm, "--config", "img_size=64");
  const transform = "resize_small(70,bicubic)|central_crop(64)|normalize(mean=0.5/0.5/0.5,std=0.229/0.224/0.225)";
  expect(cropped).toEqual(close(await classify(timm, "--config", "img_size=64", "--transform", transform)));
  const oblong = await cli(["classify", PASTORAL, "--model", vit, "--config", "img_size=[32,24]"]);
  expect(oblong.exitCode).toBe(2);
  expect(oblong.notes.join()).toMatch(/24 x 32 only, and its preprocessing makes them 24 x 24.*--transform/s);
  const wrong = writeVit(at("wrong"), { "config.json": { ...VIT_CONFIG, image_size: 32 } });
  expect((await cli(["classify", PASTORAL, "--model", wrong])).notes.join()).toContain("32 x 32 only");
});

test("a file out of a folder: what is beside it is not read, and that is said", async () => {
  const said = async (...path: string[]) => {
    const { exitCode, notes } = await cli(["classify", PASTORAL, "--model", join(...path)]);
    return { exitCode, notes: notes.join("\n") };
  };
  const named = writeHubFolder(at("fine-tuned"), {
    "config.json": { architecture: "resnet18", num_classes: 3, num_features: 512 },
    "net.safetensors": writeSafetensors(initialWeights(inferenceGraph(defineModel("resnet18", { num_classes: 3 })), 0)),
  });
  expect(await said(named, "net.safetensors")).toMatchObject({
    exitCode: 0,
    notes: expect.stringMatching(/config\.json says more about it, and is not read; give its folder/),
  });
  expect(await said(vit, "model.safetensors")).toMatchObject({
    exitCode: 2,
    notes: expect.stringMatching(
      /no registered model has these.*vit.config\.json may say what it is: give its folder/s,
    ),
  });
  const prepared = { "onnx/model.onnx": bareOnnx(), "preprocessor_config.json": {} };
  expect(await said(writeHubFolder(at("prepared"), prepared), "onnx", "model.onnx")).toMatchObject({
    exitCode: 0,
    notes: expect.stringMatching(/preprocessor_config\.json says more about it/),
  });
  expect((await said(vit, "config.json")).notes).toContain("give the folder that it is in");
});

test("labels that an ONNX file does not score are refused", async () => {
  const config = { ...VIT_CONFIG, id2label: { 0: "yes", 1: "no" } };
  const place = writeHubFolder(at("misfit"), { "config.json": config, "model.onnx": bareOnnx() });
  const { exitCode, notes } = await cli(["classify", PASTORAL, "--model", place]);
  expect([exitCode, notes.join()]).toEqual([expect.any(Number), expect.stringMatching(/2 labels|labels.*11/)]);
});

test("weights in half precision and with another library's prefix are read", async () => {
  const wrapped = [...TIMM_VIT.weights].map(([name, value]) => [`timm_model.${name}`, value] as const);
  const config = { ...TIMM_CONFIG, model_type: "timm_wrapper", label_names: TIMM_LABELS };
  const files = { "config.json": config, "model.safetensors": writeSafetensors(wrapped) };
  expect(await classify(writeHubFolder(at("wrapper"), files))).toEqual(close(await answersOf(timm)));
  const half = await cli(["convert", vit, at("half"), "--dtype", "float16"]);
  expect(half.exitCode).toBe(0);
  expect(vitWeights().length).toBeGreaterThan(readFileSync(join(at("half"), "model.safetensors")).length);
});
