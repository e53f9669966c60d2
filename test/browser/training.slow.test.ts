// Training in Chromium: the losses of Node, resuming after a reload to the same numbers, a model that answers.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RawImage } from "../../src/image/raw-image.ts";
import { encodePng, type RecipeInput, train } from "../../src/node.ts";
import { metricLines } from "../train/fit.ts";
import { EVERYTHING, LABELS, SIZE, shapePicture, TINY_INPUT } from "../train/shapes.ts";
import { noChromium } from "./chromium.ts";
import type { PageRun, PictureRow, TrainingApi } from "./pages/training-page.ts";
import { openSite, type Site } from "./site.ts";

const PER_CLASS = 12;
/** With all that draws random numbers or carries state. */
const RECIPE: RecipeInput = { ...TINY_INPUT, ...EVERYTHING, accumulate: 1, epochs: 2 };

interface Made {
  readonly rows: readonly PictureRow[];
  readonly images: readonly RawImage[];
}

function made(): Made {
  const all = Array.from({ length: LABELS.length * PER_CLASS }, (_, i) => i);
  const rows = all.map((i) => ({
    label: LABELS[i % LABELS.length]!,
    split: i < LABELS.length * (PER_CLASS - 2) ? ("train" as const) : ("validation" as const),
  }));
  return { rows, images: all.map((i) => shapePicture(i % LABELS.length, Math.floor(i / LABELS.length))) };
}

/** A list of files as the page has one of pictures. */
function writeList(folder: string, rows: readonly PictureRow[], extension: string): string {
  const path = join(folder, `${extension}.jsonl`);
  const line = (row: PictureRow, i: number) => JSON.stringify({ path: `${i}.${extension}`, ...row });
  writeFileSync(path, `${rows.map(line).join("\n")}\n`);
  return path;
}

async function nodeLosses(data: string, folder: string, recipe: RecipeInput): Promise<number[]> {
  const losses: number[] = [];
  const options = { recipe, folder, device: "cpu", threads: 1, workers: 1 } as const;
  await train(data, { ...options, onStep: ({ loss }) => losses.push(loss) });
  return losses;
}

const largestDifference = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.skipIf(noChromium)("training in a page", () => {
  const folder = mkdtempSync(join(tmpdir(), "saccade-page-training-"));
  const { rows, images } = made();
  let site: Site<TrainingApi>;
  const run = (name: string, more: Partial<PageRun> = {}): PageRun => ({
    recipe: RECIPE,
    rows,
    pixels: { path: "/pixels.bin", size: SIZE },
    run: `runs/${name}`,
    ...more,
  });

  beforeAll(async () => {
    site = await openSite({ page: "training-page", isolated: true });
    site.server.put("/pixels.bin", Buffer.concat(images.map(({ data }) => data)));
    mkdirSync(folder, { recursive: true });
    for (const [i, image] of images.entries()) {
      writeFileSync(join(folder, `${i}.png`), await encodePng(image));
      const { data, width, height } = image;
      const jpeg = sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality: 90 });
      writeFileSync(join(folder, `${i}.jpg`), await jpeg.toBuffer());
      site.server.put(`/jpeg/${i}.jpg`, readFileSync(join(folder, `${i}.jpg`)));
    }
  });
  afterEach(() => site.closePages());
  afterAll(async () => {
    await site?.close();
    rmSync(folder, { recursive: true });
  });

  test("has the losses of Node within 1e-4 from the same seed and pixels", async () => {
    const { api, requests } = await site.open();
    const page = await api.train(run("same"));
    const node = await nodeLosses(writeList(folder, rows, "png"), join(folder, "same"), RECIPE);
    expect(page.losses).toHaveLength(node.length);
    const first = largestDifference(node.slice(0, 4), page.losses);
    console.info(
      `losses in the page: at most ${first.toExponential(1)} from Node's in the first 4 steps, ` +
        `${largestDifference(node, page.losses).toExponential(1)} in all ${node.length}`,
    );
    expect(first).toBeLessThan(1e-4);
    expect(page).toMatchObject({ problems: [], stopped: false });
    expect(requests.filter((url) => !url.startsWith(site.server.origin) && !url.startsWith("blob:"))).toEqual([]);
  });

  test("of JPEG pictures, which the browser decodes, they are near", async () => {
    const { api } = await site.open();
    const page = await api.train(run("jpeg", { folder: "/jpeg" }));
    const node = await nodeLosses(writeList(folder, rows, "jpg"), join(folder, "jpeg"), RECIPE);
    const difference = largestDifference(node, page.losses);
    console.info(
      `losses of JPEG pictures, each decoded by its own decoder: at most ${difference.toExponential(1)} apart`,
    );
    expect(page.problems).toEqual([]);
    expect(difference).toBeLessThan(0.05);
  });

  test("goes on after a reload to the same numbers, in workers or not", async () => {
    const unbroken = await site.open();
    await unbroken.api.train(run("whole"));
    const { api, page } = await site.open();
    expect(await api.train(run("broken", { until: 3 }))).toMatchObject({ stopped: true });
    await page.reload();
    expect(await api.resumable("runs/broken")).toBe(true);
    expect(await api.resumable("runs/none")).toBe(false);
    const rest = await api.train(run("broken", { resume: true, workers: 2 }));
    expect(rest.stopped).toBe(false);
    for (const path of ["best/model.safetensors", "last/model.safetensors"])
      expect(await api.digest(`runs/broken/${path}`)).toBe(await unbroken.api.digest(`runs/whole/${path}`));
    expect(metricLines(await api.text("runs/broken/metrics.jsonl"))).toEqual(
      metricLines(await unbroken.api.text("runs/whole/metrics.jsonl")),
    );
  });

  test("goes on where its last checkpoint is when the tab was closed without a word", async () => {
    const { api, page } = await site.open();
    // Nobody waits for it: the page goes away in the middle of a step.
    const lost = api.train(run("lost")).catch(() => undefined);
    await expect.poll(() => api.resumable("runs/lost"), { timeout: 60_000 }).toBe(true);
    await page.reload();
    await lost;
    const rest = await api.train(run("lost", { resume: true }));
    expect(rest).toMatchObject({ stopped: false, problems: [] });
    const whole = await site.open();
    await whole.api.train(run("whole"));
    expect(await api.digest("runs/lost/last/model.safetensors")).toBe(
      await whole.api.digest("runs/whole/last/model.safetensors"),
    );
  });

  test("makes a model folder and one file, which answer alike", async () => {
    const { api } = await site.open();
    await api.train(run("model"));
    site.server.put("/0.png", readFileSync(join(folder, "0.png")));
    const { folder: inFolder, file } = await api.answers("runs/model/best", "/0.png");
    expect(file.map(({ label }) => label)).toEqual(inFolder.map(({ label }) => label));
    expect(file.map(({ score }) => score)).toEqual(inFolder.map(({ score }) => expect.closeTo(score, 5)));
    expect(new Set(file.map(({ label }) => label))).toEqual(new Set(LABELS));
  });
});

describe.skipIf(noChromium)("training on WebGPU in a page", () => {
  const { rows, images } = made();
  let site: Site<TrainingApi>;
  beforeAll(async () => {
    site = await openSite({ page: "training-page", isolated: true, webgpu: true });
    site.server.put("/pixels.bin", Buffer.concat(images.map(({ data }) => data)));
  });
  afterAll(() => site?.close());

  test("has the losses of WebAssembly, and goes on after a reload", async () => {
    const run = { recipe: RECIPE, rows, pixels: { path: "/pixels.bin", size: SIZE } };
    const wasm = await (await site.open()).api.train({ ...run, run: "runs/wasm" });
    const { api, page } = await site.open();
    const begun = await api.train({ ...run, run: "runs/webgpu", device: "webgpu", until: 3 });
    await page.reload();
    const rest = await api.train({ ...run, run: "runs/webgpu", resume: true, device: "webgpu" });
    const losses = [...begun.losses, ...rest.losses];
    expect(losses).toHaveLength(wasm.losses.length);
    const difference = largestDifference(losses, wasm.losses);
    console.info(`losses on WebGPU: at most ${difference.toExponential(1)} from WebAssembly's`);
    expect(difference).toBeLessThan(1e-3);
    expect(rest).toMatchObject({ stopped: false, problems: [] });
  });
});
