// A model folder that names a registered model, through the commands.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/weights/safetensors.ts";
import { loadGolden, maxDifference, toleranceOf } from "../golden-case.ts";
import { cli } from "./fake-terminal.ts";
import { PASTORAL, temporaryFolder, writeInput } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

/** A golden case as a folder whose config.json says so much and no more. */
function writeFolder(name: string, golden: string, architecture: string, config: Record<string, unknown>): string {
  mkdirSync(at(name), { recursive: true });
  writeFileSync(join(at(name), "config.json"), JSON.stringify({ architecture, config }));
  writeFileSync(join(at(name), "model.safetensors"), writeSafetensors(loadGolden(`timm-mini/${golden}`)!.weights));
  return at(name);
}

test.each([
  ["vit_mini", "deit_small_patch16_224"],
  ["deit_mini_distilled", "deit_small_distilled_patch16_224"],
  ["swin_mini", "swin_tiny_patch4_window7_224"],
  ["crossvit_mini_dagger", "crossvit_9_dagger_240"],
])("%s runs as a %s with other fields", async (mini, registered) => {
  const golden = loadGolden(`timm-mini/${mini}`)!;
  const model = writeFolder(mini, mini, registered, golden.config);
  const input = writeInput(at(`${mini}.safetensors`), [["image", golden.image]]);
  const output = at(`${mini}.out.safetensors`);
  const { exitCode, notes } = await cli(["run", model, "--input", input, "--output", output]);
  expect(notes).toEqual([]);
  expect(exitCode).toBe(0);
  const { tensors } = readSafetensors(readFileSync(output));
  expect([...tensors.keys()].sort()).toEqual(["features", "logits"]);
  for (const [name, expected] of golden.outputs)
    expect(maxDifference(tensors.get(name), expected), name).toBeLessThan(toleranceOf(golden, name));
});

test("another size: positions are resampled and pictures prepared for it", async () => {
  const golden = loadGolden("timm-mini/vit_mini_resampled")!;
  const model = writeFolder("resized", "vit_mini", "deit_small_patch16_224", { ...golden.config, img_size: 32 });
  const input = writeInput(at("resized.safetensors"), [["image", golden.image]]);
  const output = at("resized.out.safetensors");
  const size = ["--config", "img_size=[24,56]"];
  expect((await cli(["run", model, "--input", input, "--output", output, ...size])).exitCode).toBe(0);
  const { tensors } = readSafetensors(readFileSync(output));
  expect(maxDifference(tensors.get("logits"), golden.outputs.get("logits")!)).toBeLessThan(
    toleranceOf(golden, "logits"),
  );
  const refused = await cli(["run", model, "--input", input, "--output", at("none.safetensors")]);
  expect(refused.exitCode).not.toBe(0);
});

test("classify, convert, inspect and export take it", async () => {
  const golden = loadGolden("timm-mini/swin_mini")!;
  const model = writeFolder("commands", "swin_mini", "swin_tiny_patch4_window7_224", golden.config);
  const classified = await cli(["classify", PASTORAL, "--model", model, "--json"]);
  expect(classified.exitCode).toBe(0);
  // The folder keeps its weights; the window stays, so a larger picture needs no other tables.
  const larger = await cli(["classify", PASTORAL, "--model", model, "--json", "--config", "img_size=84"]);
  expect(larger.exitCode).toBe(0);
  expect(larger.stdout).not.toBe(classified.stdout);

  const checkpoint = at("swin.safetensors");
  writeFileSync(checkpoint, writeSafetensors(golden.weights));
  const config = at("swin.json");
  writeFileSync(config, JSON.stringify({ architecture: "swin_tiny_patch4_window7_224", config: golden.config }));
  const converted = await cli(["convert", checkpoint, at("converted"), "--config", config]);
  expect(converted.exitCode).toBe(0);
  const written = JSON.parse(readFileSync(join(at("converted"), "config.json"), "utf8"));
  expect(written).toMatchObject({
    architecture: "swin",
    config: { img_size: 56, window_size: 7, depths: [2, 2, 2, 1] },
  });
  expect(written.transform).toBe("resize_small(62,bicubic)|central_crop(56)|normalize(imagenet)");

  const inspected = await cli(["inspect", at("converted")]);
  expect(inspected.exitCode).toBe(0);
  expect(inspected.stdout).toContain("swin");
  const exported = await cli(["export", at("converted"), at("swin.onnx")]);
  expect(exported.exitCode).toBe(0);
  expect(exported.stdout).toContain("compared with the model on 1x3x56x56");
});
