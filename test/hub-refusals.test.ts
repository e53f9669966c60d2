// Folders for the hubs that are damaged, hostile, of another kind, or split into shards: what is read, and what is said of the rest.
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { FormatError, LimitError, NotFoundError, SaccadeError } from "../src/errors.ts";
import { processorTransform } from "../src/model-folder/hubs/image-processor.ts";
import { timmConfig } from "../src/model-folder/hubs/timm.ts";
import { loadFolder, readModelFolder } from "../src/model-folder/load.ts";
import { nodeFiles } from "../src/platform/node/files.ts";
import { writeSafetensors } from "../src/weights/safetensors.ts";
import { temporaryFolder } from "./cli/mini-model.ts";
import {
  bareOnnx,
  LABELS,
  PROCESSOR,
  TIMM_CONFIG,
  timmWeights,
  VIT,
  VIT_CONFIG,
  vitWeights,
  writeHubFolder,
  writeVit,
} from "./hub-toys.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
let made = 0;
const fresh = () => at(String(made++));

/** What is thrown: its class, its text and its hint. */
async function refusal(place: string): Promise<SaccadeError> {
  const error = await loadFolder(nodeFiles, place).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SaccadeError);
  const { message } = error as SaccadeError;
  expect(message.length).toBeLessThan(2000);
  return error as SaccadeError;
}

describe("shards", () => {
  const index = "model.safetensors.index.json";
  const entries = [...VIT.weights];
  const shard = (which: number) => `model-0000${which + 1}-of-00003.safetensors`;
  const shardOf = (i: number) => i % 3;
  const bytesOf = (which: number) => writeSafetensors(entries.filter((_, i) => shardOf(i) === which));
  const weightMap = Object.fromEntries(entries.map(([name], i) => [name, shard(shardOf(i))]));
  const sharded = (place = fresh(), more: Parameters<typeof writeHubFolder>[1] = {}) =>
    writeVit(place, {
      "model.safetensors": undefined,
      [index]: { metadata: { total_size: 1 }, weight_map: weightMap },
      ...Object.fromEntries([0, 1, 2].map((which) => [shard(which), bytesOf(which)])),
      ...more,
    });
  const withName = (name: string) => ({ weight_map: { ...weightMap, [entries[0]![0]]: name } });

  test("give the weights of one file", async () => {
    const whole = await readModelFolder(nodeFiles, writeVit(fresh()));
    const { weights } = await readModelFolder(nodeFiles, sharded());
    expect(weights.size).toBeGreaterThan(20);
    expect(weights).toEqual(whole.weights);
  });

  test("may be links into the folder that the index is a link into, as in a cache of downloads", async () => {
    const blobs = sharded(at("blobs"));
    const snapshot = fresh();
    mkdirSync(snapshot);
    const names = ["config.json", "preprocessor_config.json", index, ...[0, 1, 2].map(shard)];
    for (const name of names) symlinkSync(join(blobs, name), join(snapshot, name));
    expect((await readModelFolder(nodeFiles, snapshot)).weights.size).toBeGreaterThan(20);
  });

  test("that are links to elsewhere are refused", async () => {
    const outside = at("outside.safetensors");
    writeFileSync(outside, bytesOf(0));
    const place = sharded(fresh(), { [shard(0)]: undefined });
    symlinkSync(outside, join(place, shard(0)));
    expect(await refusal(place)).toMatchObject({
      code: "format",
      message: expect.stringContaining("not in its folder"),
    });
  });

  test.each([
    "../outside.safetensors",
    resolve("/etc/passwd"),
    "C:\\weights.bin",
    "..",
    "a/../../b",
    "sub/x.safetensors",
    "x\0y",
  ])("called %j are refused", async (name) => {
    expect(await refusal(sharded(fresh(), { [index]: withName(name) }))).toMatchObject({
      code: "format",
      message: expect.stringContaining("not in its folder"),
    });
  });

  test("that are missing, damaged, or of another model are named", async () => {
    const missing = await refusal(sharded(fresh(), { [shard(1)]: undefined }));
    expect(missing).toBeInstanceOf(NotFoundError);
    expect(`${missing.message} ${missing.hint}`).toMatch(/model-00002-of-00003.*download all shards/);
    const short = await refusal(sharded(fresh(), { [shard(1)]: bytesOf(1).slice(0, 500) }));
    expect(short.message).toContain(shard(1));
    const other = await refusal(sharded(fresh(), { [shard(1)]: bytesOf(2) }));
    expect(other).toMatchObject({
      message: expect.stringMatching(/model-00002-of-00003.safetensors holds .* does not/),
    });
    expect((await refusal(sharded(fresh(), { [index]: withName(".") }))).message).not.toBe("");
  });

  test.each([
    ["", /not valid JSON/],
    ["[]", /expected object/],
    [{ weight_map: {} }, /lists no tensors/],
    [{ weight_map: { a: 3 } }, /expected string/],
    [{ weight_map: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [i, `shard-${i}`])) }, /1001 files/],
    [{ weight_map: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [i, i])) }, /and 19992 more/],
  ])("with the index %j are refused", async (content, message) => {
    expect((await refusal(sharded(fresh(), { [index]: content }))).message).toMatch(message);
  });
});

describe("folders of another kind", () => {
  const bert = { model_type: "bert", architectures: ["BertForSequenceClassification"] };
  const detr = { model_type: "detr", architectures: ["DetrForObjectDetection"] };
  const mobilenet = { model_type: "mobilenet_v2", architectures: ["MobileNetV2ForImageClassification"] };
  test.each<[string, Parameters<typeof writeHubFolder>[1], RegExp]>([
    ["diffusers", { "model_index.json": {} }, /a pipeline of diffusers/],
    ["a part of diffusers", { "config.json": { _class_name: "UNet2DModel" } }, /diffusers \(UNet2DModel\)/],
    ["PEFT", { "adapter_config.json": {}, "adapter_model.safetensors": "" }, /an adapter \(PEFT\).*merge_and_unload/],
    ["OpenCLIP", { "open_clip_config.json": {} }, /OpenCLIP/],
    ["TensorFlow", { "saved_model.pb": "" }, /TensorFlow SavedModel.*tf2onnx/],
    ["a run", { "best/config.json": {} }, /a training run.*best\//],
    ["BERT", { "config.json": bert }, /a language model of transformers' family "bert"/],
    ["a detector", { "config.json": detr }, /an object detector .* "detr"/],
    ["MobileNet", { "config.json": mobilenet }, /"mobilenet_v2".*optimum-cli export onnx/],
    ["a bare ViT", { "config.json": { ...VIT_CONFIG, architectures: ["ViTModel"] } }, /without a classifier/],
    ["no class", { "config.json": { model_type: "vit" } }, /does not say of which class/],
    ["quantised", { "config.json": { ...VIT_CONFIG, quantization_config: {} } }, /quantised/],
    ["several labels", { "config.json": { ...VIT_CONFIG, problem_type: "multi_label_classification" } }, /several/],
    ["regression", { "config.json": { ...VIT_CONFIG, problem_type: "regression" } }, /"regression"/],
    ["weights alone", { "model.safetensors": vitWeights() }, /the weights alone .* give .*model\.safetensors/],
    ["nothing", {}, /saccade convert makes one/],
    ["no weights", { "config.json": VIT_CONFIG, "preprocessor_config.json": PROCESSOR }, /config\.json and model\.saf/],
    [
      "TensorFlow's weights",
      { "config.json": VIT_CONFIG, "preprocessor_config.json": PROCESSOR, "tf_model.h5": "" },
      /TensorFlow's \(tf_model\.h5\)/,
    ],
    ["no processor", { "config.json": VIT_CONFIG, "model.safetensors": vitWeights() }, /preprocessor_config\.json not/],
    ["both kinds", { "config.json": { ...TIMM_CONFIG, saccade: 1 } }, /unclear whose it is/],
    ["neither kind", { "config.json": { hello: 1 } }, /neither `architecture`/],
    ["a list", { "config.json": [] }, /not a JSON object/],
  ])("%s", async (_, files, text) => {
    const { message, hint } = await refusal(writeHubFolder(fresh(), files));
    expect(`${message} ${hint}`).toMatch(text);
  });

  test.each([
    ["resnet50d", ["resnet50"]],
    ["convnext_tiny_hnf", ["convnext_tiny"]],
    ["vit_small_patch16_224.augreg_in21k", ["vit_small_patch16_224"]],
    ["regnety_032", ["regnety_002", "regnety_004"]],
    ["sparseformer_v1_tiny", undefined],
    ["resnest14d", undefined],
    ["__proto__", undefined],
  ])("timm's %s: names of its kind", (architecture, first) => {
    const read = () => timmConfig({ ...TIMM_CONFIG, architecture }, "config.json");
    expect(read).toThrow(first === undefined ? /models here$/ : new RegExp(`there are ${first.join(", ")}(,|$)`));
  });

  test("timm: what our architectures would answer wrongly", () => {
    const read = (fields: object) => () => timmConfig({ ...TIMM_CONFIG, ...fields }, "config.json");
    expect(read({})).not.toThrow();
    expect(read({ num_classes: 0 })).toThrow(/no classifier/);
    expect(read({ problem_type: "multi_label_classification" })).toThrow(/several labels/);
    expect(read({ global_pool: "max" })).toThrow(/only "token"/);
    expect(read({ label_names: ["a"] })).toThrow(/1 entries; the model scores 11 classes/);
    const gap = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [i === 4 ? 20 : i, "x"]));
    expect(read({ label_names: gap })).toThrow(/no entry for class 4/);
  });

  test("timm: labels that objects inherit are labels", () => {
    const labels = ["constructor", "toString", ...LABELS, "f", "g", "h", "i"];
    const { labels: read } = timmConfig({ ...TIMM_CONFIG, label_names: labels, label_descriptions: {} }, "config.json");
    expect(read).toEqual(labels);
  });
});

describe("hostile numbers", () => {
  const VALUES = [1e9, 1e308, -1, 0, 1.5, "12", null, [], {}, true] as const;
  const FIELDS = ["num_hidden_layers", "image_size", "hidden_size", "intermediate_size", "patch_size"];
  const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

  test("config.json of transformers", async () => {
    for (const field of FIELDS)
      for (const value of VALUES) {
        const place = writeVit(at("hostile"), { "config.json": { ...VIT_CONFIG, [field]: value } });
        expect(await refusal(place), `${field}: ${JSON.stringify(value)}`).toBeInstanceOf(FormatError);
      }
  });

  test.each([
    ["NaN", '{"model_type":"vit","architectures":["ViTForImageClassification"],"hidden_size":NaN}', /not valid JSON/],
    ["nothing", "", /not valid JSON/],
    ["nested deeply", `{"model_type":"vit","architectures":${deep(200_000)}}`, /expected string, received array/],
    [
      "a million faults",
      { ...VIT_CONFIG, id2label: Object.fromEntries(deep(5000).split("").entries()), num_labels: {} },
      /num_labels/,
    ],
    ["numbers for names", { ...VIT_CONFIG, id2label: { ...new Array(10_000).fill(3) } }, /and 9992 more/],
    ["a long name", { ...VIT_CONFIG, model_type: "x".repeat(1e6) }, /<=200 characters/],
    ["a gap", { ...VIT_CONFIG, id2label: { 0: "a", 2: "b" } }, /2 entries, and none for class 1/],
  ])("config.json with %s", async (_, config, message) => {
    const error = await refusal(writeVit(at("hostile"), { "config.json": config }));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(message);
  });

  test("a config.json of 100 MB is not read", async () => {
    const place = writeVit(fresh());
    truncateSync(join(place, "config.json"), 100 * 2 ** 20);
    expect(await refusal(place)).toBeInstanceOf(LimitError);
    const other = writeVit(fresh());
    truncateSync(join(other, "preprocessor_config.json"), 100 * 2 ** 20);
    expect(await refusal(other)).toBeInstanceOf(LimitError);
  });

  test.each([
    { size: 1e9 },
    { size: -1 },
    { size: "24" },
    { size: { longest_edge: 24 } },
    { size: [24, 24, 24] },
    { size: null },
    { resample: 99 },
    { resample: "bicubic" },
    { image_mean: [0.5] },
    { image_std: [0, 1, 1] },
    { image_std: [-1, 1, 1] },
    { image_std: 1e-300 },
    { image_std: [1e-320, 1, 1] },
    { rescale_factor: 0 },
    { rescale_factor: 1e-320 },
    { do_center_crop: true },
    { do_center_crop: true, crop_size: 1e9 },
    { image_processor_type: "constructor" },
    { do_resize: "yes" },
    { do_pad: true },
    { do_flip_channel_order: true },
  ])("preprocessor_config.json with %j", (fields) => {
    const read = () => processorTransform({ ...PROCESSOR, ...fields }, "preprocessor_config.json", "ViT");
    expect(read).toThrow(FormatError);
  });

  test.each([
    { input_size: [3, 1e9, 1e9] },
    { input_size: [1, 32, 32] },
    { input_size: 32 },
    { crop_pct: 0 },
    { crop_pct: 100 },
    { interpolation: "random" },
    { mean: [0.5] },
    { mean: [1e308, 1, 1] },
    { std: [0, 1, 1] },
    { std: [-1, 1, 1] },
    { std: [1e-320, 1, 1] },
    { crop_mode: "border" },
  ])("timm's pretrained_cfg with %j", (fields) => {
    const config = { ...TIMM_CONFIG, pretrained_cfg: { ...TIMM_CONFIG.pretrained_cfg, ...fields } };
    expect(() => timmConfig(config, "config.json")).toThrow(FormatError);
  });

  test.each([
    { num_classes: 1e9 },
    { num_classes: -1 },
    { model_args: { img_size: 1e9 } },
    { model_args: { depth: 1e9 } },
    { model_args: { num_heads: "three" } },
    { model_args: { nothing_known: 1 } },
  ])("timm's config.json with %j", async (fields) => {
    const files = { "config.json": { ...TIMM_CONFIG, ...fields }, "model.safetensors": timmWeights() };
    expect(await refusal(writeHubFolder(at("hostile-timm"), files))).toBeInstanceOf(FormatError);
  });
});

describe("folders with ONNX files", () => {
  const onnx = bareOnnx();
  const files = { "config.json": { ...VIT_CONFIG, id2label: undefined }, "preprocessor_config.json": PROCESSOR };
  const transform = "resize(24,24,bilinear)|normalize(inception)";

  test.each(["model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx"])("%s is the model", async (name) => {
    const { kind, card } = await loadFolder(nodeFiles, writeHubFolder(fresh(), { ...files, [name]: onnx }));
    expect({ kind, transform: card.transform }).toEqual({ kind: "onnx", transform });
  });

  test("of several, the one that is called model.onnx", async () => {
    const both = { ...files, "onnx/a.onnx": "damaged", "onnx/b.onnx": "damaged" };
    expect(await refusal(writeHubFolder(fresh(), both))).toMatchObject({
      message: expect.stringContaining("2 ONNX files, and none is called model.onnx"),
      hint: expect.stringMatching(/a\.onnx.*b\.onnx/),
    });
    expect(await loadFolder(nodeFiles, writeHubFolder(fresh(), { ...both, "onnx/model.onnx": onnx }))).toMatchObject({
      kind: "onnx",
    });
    expect((await refusal(writeHubFolder(fresh(), { ...files, "model.onnx": "damaged" }))).message).not.toBe("");
  });

  test("config.json is not needed, and says what it knows", async () => {
    const bare = await loadFolder(nodeFiles, writeHubFolder(fresh(), { "model.onnx": onnx }));
    expect(bare.card).toEqual({ name: expect.any(String) });
    const config = { ...VIT_CONFIG, problem_type: "multi_label_classification" };
    const { card } = await loadFolder(
      nodeFiles,
      writeHubFolder(fresh(), { "config.json": config, "model.onnx": onnx }),
    );
    expect(card).toMatchObject({ labels: LABELS, scores: "independent-logits" });
    const regression = { ...VIT_CONFIG, problem_type: "regression" };
    const place = writeHubFolder(fresh(), { "config.json": regression, "model.onnx": onnx });
    expect((await refusal(place)).message).toContain("regression");
  });

  test("weights of ours come first, and what they are not computed from falls back on the file", async () => {
    const ours = await loadFolder(nodeFiles, writeVit(fresh(), { "onnx/model.onnx": onnx }));
    expect(ours.kind).toBe("native");
    const other = { ...VIT_CONFIG, model_type: "mobilenet_v2", architectures: ["MobileNetV2ForImageClassification"] };
    const theirs = await loadFolder(nodeFiles, writeVit(fresh(), { "config.json": other, "model.onnx": onnx }));
    expect(theirs).toMatchObject({ kind: "onnx", card: { labels: LABELS, transform } });
  });

  test("timm's too, of any architecture", async () => {
    const config = { ...TIMM_CONFIG, architecture: "resnest14d", label_names: new Array(11).fill("x") };
    const place = writeHubFolder(fresh(), { "config.json": config, "onnx/model.onnx": onnx });
    const { kind, card } = await loadFolder(nodeFiles, place);
    expect(kind).toBe("onnx");
    expect(card.labels).toHaveLength(11);
    expect(card.transform).toBe(
      "resize_small(35,bicubic)|central_crop(32)|normalize(mean=0.5/0.5/0.5,std=0.229/0.224/0.225)",
    );
    const none = writeHubFolder(fresh(), { "config.json": TIMM_CONFIG, "model.onnx": onnx });
    expect((await loadFolder(nodeFiles, none)).kind).toBe("onnx");
    expect(readFileSync(join(none, "model.onnx")).length).toBe(onnx.length);
  });
});
