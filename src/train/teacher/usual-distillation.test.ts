import { expect, test } from "vitest";
import { FormatError } from "../../errors.ts";
import { reduceMean } from "../../graph/build.ts";
import { trace } from "../../graph/scope.ts";
import { lower } from "../../onnx/lower.ts";
import { recipeNamed } from "../../recipes/index.ts";
import { MemoryFiles } from "../run/memory-files.test-helper.ts";
import { usualDistillation } from "./usual-distillation.ts";

const clothing = recipeNamed("clothing");

async function learning(size: readonly (number | string)[], metadata?: Record<string, string>) {
  const files = new MemoryFiles();
  const graph = trace(({ graph: g }) => ({ features: reduceMean(g.input("image", ["batch", 3, ...size]), [2, 3]) }));
  await files.writeAtomic("/t.onnx", lower(graph, metadata === undefined ? {} : { metadata }));
  return usualDistillation(files, "/t.onnx", clothing);
}

test("half of each target, by the preprocessing that the file names", async () => {
  const transform = "resize(192,192,bicubic)|normalize(inception)";
  const { distillation, reason } = await learning(["height", "width"], { "saccade.transform": transform });
  expect(distillation).toEqual({ weight: 0.5, temperature: 2, transform });
  expect(reason).toMatch(/which is what its file says$/);
});

test.each([
  [[160, 128], "resize(128,160,bicubic)|normalize(imagenet)"],
  [["height", "width"], "resize(224,224,bicubic)|normalize(imagenet)"],
])("a file that names none, of size %j: a guess, which is called one", async (size, transform) => {
  const { distillation, reason } = await learning(size);
  expect(distillation.transform).toBe(transform);
  expect(reason).toMatch(/which is a guess/);
});

test("what a teacher said in another run needs no preprocessing; what is no model is an error", async () => {
  const kept = await usualDistillation(new MemoryFiles(), "/runs/a/teacher.safetensors", clothing);
  expect(kept.distillation).toMatchObject({ weight: 0.5, temperature: 2 });
  const files = new MemoryFiles();
  await files.writeAtomic("/t.onnx", "not a model");
  await expect(usualDistillation(files, "/t.onnx", clothing)).rejects.toBeInstanceOf(FormatError);
});
