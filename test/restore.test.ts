// Restorer and `saccade restore` with a toy: sizes, tiles, exported files, pictures that cannot be read, and models that answer something else.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SaccadeError, UsageError } from "../src/errors.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { Restorer } from "../src/node.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { tensor } from "../src/tensor.ts";
import { cli } from "./cli/fake-terminal.ts";
import { hashedValues } from "./golden-case.ts";

const toy = {
  n_feats: 8,
  embed_dim: 12,
  depths: [2],
  num_heads: [2],
  hypercolumn: false,
  img_size: 32,
  bypass_transformer: false,
};

/** Random weights, the last ones large enough for pictures that are not grey. */
function toyModel() {
  const definition = defineModel("rrformer", toy);
  const weights = initialWeights(inferenceGraph(definition), 0);
  const last = "deconv3.conv2d.weight";
  weights.set(last, tensor("float32", [3, 8, 1, 1], hashedValues(last, 24, 0.5, 0, 0)));
  return nativeModel(definition, weights, { name: "toy" });
}

function picture(width: number, height: number): RawImage {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => 128 + 100 * Math.sin(i / 17) * Math.cos(i / (3 * width * 9)),
  );
  return { width, height, data };
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "saccade-restore-"));
  await writeModelFolder(nodeHost.files, join(folder, "model"), toyModel());
  await nodeHost.files.writeAtomic(join(folder, "model.onnx"), exportOnnx(toyModel()));
  await nodeHost.files.writeAtomic(join(folder, "picture.png"), await nodeHost.encodePng(picture(150, 90)));
  await nodeHost.files.writeAtomic(join(folder, "damaged.png"), new TextEncoder().encode("no picture"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const largest = (a: RawImage, b: RawImage) =>
  a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);

test("a picture comes back in its size, nearly the same in tiles as at once", async () => {
  await using atOnce = await Restorer.load(join(folder, "model"));
  const whole = await atOnce.restore(picture(200, 170));
  expect([whole.picture.width, whole.picture.height, whole.tiles]).toEqual([200, 170, 1]);
  expect(new Set(whole.picture.data).size).toBeGreaterThan(20);
  await using inTiles = await Restorer.load(join(folder, "model"), { tile: 128 });
  const seen: number[] = [];
  const tiled = await inTiles.restore(picture(200, 170), { onTile: (done, all) => seen.push(done, all) });
  expect(tiled.tiles).toBe(12);
  expect(seen.slice(-2)).toEqual([12, 12]);
  expect(largest(tiled.picture, whole.picture)).toBeLessThanOrEqual(2);
});

test("an exported file has tiles of its own size", async () => {
  await using native = await Restorer.load(join(folder, "model"), { tile: 32, overlap: 0 });
  await using exported = await Restorer.load(join(folder, "model.onnx"), { overlap: 0 });
  const [a, b] = [await native.restore(picture(70, 40)), await exported.restore(picture(70, 40))];
  expect([a.tiles, b.tiles]).toEqual([6, 6]);
  expect(largest(a.picture, b.picture)).toBeLessThanOrEqual(1);
});

test("pictures that cannot be read are among the answers, and what is aborted ends", async () => {
  await using restorer = await Restorer.load(join(folder, "model"));
  const answers = [];
  for await (const answer of restorer.restoreAll([join(folder, "damaged.png"), join(folder, "picture.png")]))
    answers.push(answer);
  expect(answers[0]!.error).toBeInstanceOf(SaccadeError);
  expect(answers[1]!.answer?.picture).toMatchObject({ width: 150, height: 90 });
  await expect(restorer.restore(picture(40, 40), { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "aborted",
  });
});

test("models that answer something else, and tiles that cannot be, are refused", async () => {
  await expect(Restorer.load("saccade/everyday")).rejects.toThrow(UsageError);
  await expect(Restorer.load("saccade/everyday")).rejects.toMatchObject({
    hint: expect.stringContaining("saccade classify"),
  });
  await expect(Restorer.load(join(folder, "model"), { tile: 100 })).rejects.toThrow("multiple of 32");
  await expect(Restorer.load(join(folder, "model"), { tile: 128, overlap: 128 })).rejects.toThrow("overlap");
});

test("saccade restore writes the result, and both beside each other", async () => {
  const [out, draw] = [join(folder, "clear.png"), join(folder, "both.jpg")];
  const { exitCode, stdout, notes } = await cli([
    "restore",
    join(folder, "picture.png"),
    "--model",
    join(folder, "model"),
    "--out",
    out,
    "--draw",
    draw,
    "--json",
  ]);
  expect([exitCode, notes]).toEqual([0, []]);
  expect(JSON.parse(stdout)).toMatchObject({ width: 150, height: 90, tiles: 1, out, drawn: draw });
  expect(await nodeHost.decode(await nodeHost.files.read(out))).toMatchObject({ width: 150, height: 90 });
  expect(await nodeHost.decode(await nodeHost.files.read(draw))).toMatchObject({ width: 150, height: 182 });
  const refused = await cli([
    "restore",
    join(folder, "picture.png"),
    "--model",
    join(folder, "model"),
    "--out",
    join(folder, "clear.gif"),
  ]);
  expect([refused.exitCode, refused.notes.join("\n")]).toEqual([2, expect.stringContaining(".png or .jpg")]);
});
