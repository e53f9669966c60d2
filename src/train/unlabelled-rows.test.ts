import { expect, test } from "vitest";
import { shapes, tinyRecipe, worker } from "../../test/train/shapes.ts";
import type { Batch, BatchesOptions, Loader } from "../data/loader.ts";
import { trainingLoader, unlabelledLoader } from "./loaders.ts";
import { unlabelledRows, withoutTargets, withUnlabelled } from "./unlabelled-rows.ts";

const recipe = tinyRecipe({ mixup: 0.8, label_smoothing: 0.1 });
const ROWS = 2;
const labelled = () => trainingLoader(shapes(12), recipe, [worker()]);
const unlabelled = () => unlabelledLoader(withoutTargets(shapes(5), shapes(12).labels), recipe, ROWS, [worker()]);

async function take(loader: Loader, options: BatchesOptions = {}, most = 100): Promise<Batch[]> {
  const taken: Batch[] = [];
  for await (const batch of loader.batches(options)) if (taken.push(batch) === most) break;
  return taken;
}

test("a batch has the labelled rows as they are, then rows of whose labels nothing is known", async () => {
  await using alone = labelled();
  await using joined = withUnlabelled(labelled(), unlabelled());
  expect(joined.batchesPerEpoch).toBe(alone.batchesPerEpoch);
  const before = await take(alone, { untilEpoch: 2 });
  const after = await take(joined, { untilEpoch: 2 });
  expect(after.length).toBe(before.length);
  after.forEach((batch, i) => {
    const { images, targets, labels, items, names, count } = before[i]!;
    const rows = images.shape[0]!;
    expect(batch.images.shape).toEqual([rows + ROWS, ...images.shape.slice(1)]);
    expect(batch.images.data.subarray(0, images.data.length)).toEqual(images.data);
    expect(batch.targets.data.subarray(0, targets.data.length)).toEqual(targets.data);
    expect(batch.targets.data.subarray(targets.data.length).every((value) => value === 0)).toBe(true);
    expect([...batch.labels]).toEqual([...labels, -1, -1]);
    expect([...batch.items]).toEqual([...items, -1, -1]);
    expect(batch.names.slice(0, rows)).toEqual(names);
    expect(new Set(batch.names.slice(rows)).size).toBe(ROWS);
    expect([batch.count, batch.epoch, batch.index]).toEqual([count + ROWS, before[i]!.epoch, before[i]!.index]);
  });
});

test("goes on from any place with the very same rows", async () => {
  await using joined = withUnlabelled(labelled(), unlabelled());
  const all = await take(joined, { untilEpoch: 3 });
  const { epoch, index } = all[4]!;
  await using again = withUnlabelled(labelled(), unlabelled());
  expect(await take(again, { from: { epoch, index }, untilEpoch: 3 })).toEqual(all.slice(4));
});

test("rows of both kinds in a batch follow their shares of all pictures", () => {
  expect(unlabelledRows(64, 43_000, 8_000)).toBe(10);
  expect(unlabelledRows(64, 100_000, 3)).toBe(1);
  expect(unlabelledRows(8, 3, 1_000_000)).toBe(7);
});
