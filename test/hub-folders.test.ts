// Folders for the hubs of timm and transformers: their own numbers for models and for preprocessing.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyTransform, parseTransform } from "../src/image/transform.ts";
import { processorTransform } from "../src/model-folder/hubs/image-processor.ts";
import { timmConfig } from "../src/model-folder/hubs/timm.ts";
import { FAMILIES, transformersModel } from "../src/model-folder/hubs/transformers.ts";
import { readModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeFiles } from "../src/platform/node/files.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import type { TensorData } from "../src/tensor.ts";
import { readSafetensors, writeSafetensors } from "../src/weights/safetensors.ts";
import { loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";

const GOLDENS = resolve(import.meta.dirname, "goldens");
const PROCESSOR = {
  image_processor_type: "ViTImageProcessor",
  size: { height: 24, width: 24 },
  resample: 2,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "saccade-hubs-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const toys = (await readdir(join(GOLDENS, "transformers")))
  .filter((name) => name.endsWith(".json") && name !== "image-processors.json")
  .map((name) => name.replace(/\.json$/, ""));

test.each(toys)("transformers: %s answers with its numbers", async (toy) => {
  const golden = loadGolden(`transformers/${toy}`)!;
  const place = join(folder, toy);
  await mkdir(place);
  await writeFile(join(place, "config.json"), JSON.stringify(golden.config));
  await writeFile(join(place, "preprocessor_config.json"), JSON.stringify(PROCESSOR));
  await writeFile(join(place, "model.safetensors"), writeSafetensors(golden.weights, { format: "pt" }));
  const { definition, weights } = await readModelFolder(nodeFiles, place);
  const graph = lower(inferenceGraph(definition), { parameters: weights, target: "onnxruntime" });
  await using session = await nodeHost.createSession(graph, { device: "cpu" });
  const outputs = await session.run({ image: golden.image }, { outputs: ["logits"] });
  expect(maxDifference(outputs.logits, golden.outputs.get("logits")!)).toBeLessThan(toleranceOf(golden, "logits"));
});

test("the toys are of every class of models that is read", () => {
  const classes = toys.map((toy) => (loadGolden(`transformers/${toy}`)!.config.architectures as string[])[0]);
  expect(new Set(classes)).toEqual(new Set(FAMILIES.flatMap(({ classifiers }) => classifiers)));
});

describe("transformers: models of real size have all names and shapes", async () => {
  const packed = gunzipSync(await readFile(join(GOLDENS, "transformers/real-sizes.json.gz")));
  const models = JSON.parse(packed.toString()) as Record<string, { config: object; tensors: Record<string, number[]> }>;
  test.each(Object.entries(models))("%s", (name, { config, tensors }) => {
    const { file, adoptNames } = transformersModel(config, name, undefined);
    const bare = new Map(
      Object.entries(tensors).map(([tensor, shape]): [string, TensorData] => [
        tensor,
        { dtype: "float32", shape, data: new Float32Array(0) },
      ]),
    );
    const model = nativeModel(defineModel(file.architecture, file.config), adoptNames(bare), { name });
    expect(model.weights.size).toBeGreaterThan(50);
    expect(model.card.labels).toBeUndefined();
    expect(file.labels).toHaveLength(1000);
  });
});

interface PictureCase {
  readonly case: string;
  readonly picture: string;
  readonly shape: readonly number[];
  readonly step: number;
}

/** Every `step`-th value of what a transform makes of a picture. */
async function sampled(transform: string, { picture, shape: whole, step }: PictureCase): Promise<TensorData> {
  const image = await nodeHost.decode(await readFile(join(GOLDENS, `preprocess/${picture}.png`)));
  const { shape, data } = applyTransform(image, parseTransform(transform));
  expect(shape.slice(1)).toEqual(whole);
  const values = data.filter((_, i) => i % step === 0);
  return { dtype: "float32", shape: [values.length], data: values };
}

async function pictureCases<C extends PictureCase>(name: string): Promise<(C & { expected: TensorData })[]> {
  const { cases } = JSON.parse(await readFile(join(GOLDENS, `${name}.json`), "utf8")) as { cases: C[] };
  const { tensors } = readSafetensors(await readFile(join(GOLDENS, `${name}.safetensors`)));
  return cases.map((one) => ({ ...one, expected: tensors.get(`${one.case}.${one.picture}`)! }));
}

/** Pixels are the same bytes; what is left is rounding of (byte - mean) / std. */
const ROUNDING = 1e-6;

describe("transformers: image processors", async () => {
  const cases = await pictureCases<PictureCase & { processor: object; backend: string }>(
    "transformers/image-processors",
  );
  test.each(cases)("$case, $picture", async ({ processor, expected, backend, ...one }) => {
    const transform = processorTransform(processor, "preprocessor_config.json", undefined);
    const white = one.case === "vit_bytes" ? 255 : 1;
    // torchvision's resampling is a step of a byte away from Pillow's: 1 / 255 / 0.26 here.
    const tolerance = backend === "Pillow" ? ROUNDING * white : 0.016;
    expect(maxDifference(await sampled(transform, one), expected)).toBeLessThan(tolerance);
  });
});

test("timm: models that are called otherwise here", () => {
  const config = { architecture: "swinv2_base_window12to16_192to256", pretrained_cfg: { input_size: [3, 256, 256] } };
  const file = timmConfig(config, "config.json");
  expect(file.architecture).toBe("swinv2_base_patch4_window12to16_192to256_22kto1k_ft");
  expect(file.config).toMatchObject({ img_size: 256, num_classes: 1000 });
});

describe("timm: preprocessing for evaluation", async () => {
  const cases = await pictureCases<PictureCase & { pretrained_cfg: object }>("timm-hub/transforms");
  test.each(cases)("$case, $picture", async ({ pretrained_cfg, expected, ...one }) => {
    const { transform } = timmConfig({ architecture: "resnet18", num_classes: 3, pretrained_cfg }, "config.json");
    expect(maxDifference(await sampled(transform!, one), expected)).toBeLessThan(ROUNDING);
  });
});
