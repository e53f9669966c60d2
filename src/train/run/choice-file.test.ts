import { expect, test } from "vitest";
import { FormatError } from "../../errors.ts";
import { chooseEpoch } from "../epoch-choice.ts";
import { readChoice, writeChoice } from "./choice-file.ts";
import { MemoryFiles } from "./memory-files.test-helper.ts";

const PATH = "/validation.safetensors";
const scores = (right: readonly number[]) => ({
  right: Float32Array.from(right),
  losses: Float32Array.from(right, (value) => 1 - value),
});
const summary = (epoch: number) => ({ epoch, step: 4 * epoch, top1: 0.5, loss: Number.NaN, pictures: 1 });

test("the choice comes back as it was, with pictures that were not read and numbers that JSON cannot hold", async () => {
  const files = new MemoryFiles();
  expect(await readChoice(files, PATH)).toBeUndefined();
  const first = chooseEpoch(undefined, summary(0), scores([1, Number.NaN]));
  const second = chooseEpoch(first, summary(1), scores([0, Number.NaN]));
  // One picture does not say how much pictures differ.
  expect(second.choice.comparison?.loss.standardError).toBe(Number.POSITIVE_INFINITY);
  for (const open of [first, second]) {
    await writeChoice(files, PATH, open);
    expect(await readChoice(files, PATH)).toEqual(open);
  }
});

test("a damaged file is an error that names it", async () => {
  const files = new MemoryFiles();
  await files.writeAtomic(PATH, "not tensors");
  await expect(readChoice(files, PATH)).rejects.toBeInstanceOf(FormatError);
});
