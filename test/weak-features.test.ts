// Features are judged only where somebody might have better ones, and then on the pictures that were learnt from.
import { expect, test } from "vitest";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { Recogniser } from "../src/tasks/recognise/recogniser.ts";
import { weakFeatures } from "../src/workflows/weak-features.ts";
import { temporaryFolder, writeMini } from "./cli/mini-model.ts";

const folder = temporaryFolder();
const one = writeMini(folder, "sparseformer_v1_mini_64x64");
const other = writeMini(folder, "sparseformer_btsp_mini_64x64");

/** Labels that nothing in the pictures tells. */
const noise = Array.from({ length: 16 }, (_, i) => {
  const random = new RandomSource(i, "noise");
  const data = Uint8Array.from({ length: 3 * 16 * 16 }, () => random.integer(256));
  return { picture: { width: 16, height: 16, data }, label: i % 2 === 0 ? "a" : "b", name: `${i}` };
});
async function* sample() {
  yield* noise;
}

test("what is weak is compared with the largest model that is here", async () => {
  await using recogniser = await Recogniser.learn(nodeHost, one, noise, { threads: 1 });
  const fit = await recogniser.fit();
  const measured = { ...fit.measured, top1: 0.5, interval: { mean: 0.5, low: 0.3, high: 0.7 } };
  const learnt = { model: one, examples: recogniser.examples, fit: { ...fit, measured } };
  const judge = (names: readonly string[], about = learnt) =>
    weakFeatures(
      nodeHost,
      about,
      names.map((name) => ({ name, isBundled: false })),
      { threads: 1, head: { head: "nearest-mean" }, sample },
    );
  expect(await judge([other])).toBeUndefined(); // a model of somebody's own
  expect(await judge([one, other])).toEqual({ model: one }); // there is no larger one
  const well = { ...measured, interval: { mean: 0.9, low: 0.7, high: 0.95 } };
  expect(await judge([other, one], { ...learnt, fit: { ...fit, measured: well } })).toBeUndefined();
  const found = await judge([other, one]);
  expect(found).toMatchObject({ model: one, other: { model: other, pictures: 16 } });
  // Sixteen pictures of noise tell nothing apart.
  expect(found!.other!.isBetter).toBe(false);
});
