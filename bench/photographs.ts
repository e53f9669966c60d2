// Photographs of 12 megapixels: what `classify` reaches of decoding alone, beside sharp's own pipeline and Pillow's. Each round does every way
// once, in a new order. Rates need a quiet machine; processor time a picture is steadier, and ratios within rounds are steadiest.
//
//   npx tsx bench/photographs.ts [--rounds 5] [--data FOLDER] [--pictures FOLDER] [--python python3] [--out bench/results/photographs.json]
//
// Without --pictures, 24 of them are made: mosaics of the photographs under FOLDER/photos/val, 4000 x 3000, with grain, about 3 MB each.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { judgeLoad, type LoadShare, loadBetween } from "../src/evaluate/bench/load.ts";
import { DECODINGS, type Decoding, type PictureSize } from "../src/image/raw-image.ts";
import { parseTransform } from "../src/image/transform.ts";
import { mostShrinking } from "../src/image/view.ts";
import { decodeRendition } from "../src/platform/node/decode.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { readLoad } from "../src/platform/node/machine.ts";
import { RandomSource } from "../src/random.ts";
import { spreadOf } from "../src/statistics.ts";
import { type Classifier, loadClassifier } from "../src/tasks/classify/classifier.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    data: { type: "string", default: resolve(import.meta.dirname, "../../shared/data") },
    pictures: { type: "string" },
    python: { type: "string" },
    out: { type: "string" },
  },
});

const MODEL = "saccade/everyday";
const WIDTH = 4000;
const HEIGHT = 3000;
const TILE = 1000;
const COUNT = 24;
/** What the model sees is cut from this. */
const SIDE = 112;

async function makePictures(folder: string): Promise<void> {
  const val = join(flags.data, "photos/val");
  const photographs = readdirSync(val).flatMap((label) =>
    readdirSync(join(val, label)).map((file) => join(val, label, file)),
  );
  const random = new RandomSource(1);
  const grain = Int8Array.from(
    { length: 1 << 16 },
    () => 12 * (random.uniform() + random.uniform() + random.uniform() - 1.5),
  );
  for (let i = 0; i < COUNT; i++) {
    const tiles = Array.from({ length: (WIDTH / TILE) * (HEIGHT / TILE) }, async (_, k) => ({
      input: await sharp(readFileSync(random.choice(photographs)))
        .resize(TILE, TILE)
        .toBuffer(),
      left: (k % (WIDTH / TILE)) * TILE,
      top: Math.floor(k / (WIDTH / TILE)) * TILE,
    }));
    const { data } = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: "black" } })
      .composite(await Promise.all(tiles))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    for (let at = 0; at < data.length; at++)
      data[at] = Math.min(255, Math.max(0, data[at]! + grain[(at * 40503) & 0xffff]!));
    const picture = sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
    await picture.jpeg({ quality: 88 }).toFile(join(folder, `${String(i).padStart(2, "0")}.jpg`));
  }
}

/** Pictures a second, and processor time of one in milliseconds, over all cores. */
interface Pace {
  readonly rate: number;
  readonly cpu_ms: number;
}

async function paced(pictures: number, work: () => Promise<void>): Promise<Pace> {
  const [from, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { rate: (1000 * pictures) / (performance.now() - from), cpu_ms: (user + system) / 1000 / pictures };
}

/** As many at once as sharp decodes side by side. */
async function together(paths: readonly string[], work: (bytes: Uint8Array) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < paths.length) await work(readFileSync(paths[next++]!));
  };
  await Promise.all(Array.from({ length: nodeHost.machine.cores }, lane));
}

const seen = parseTransform(`resize_small(${SIDE},bicubic)|central_crop(${SIDE})`);

function decodeAlone(paths: readonly string[], decode: Decoding): Promise<Pace> {
  const most = (size: PictureSize) => (decode === "fast" ? mostShrinking(seen, "center", size) : 1);
  return paced(paths.length, () => together(paths, (bytes) => decodeRendition(bytes, {}, most)));
}

function classify(classifier: Classifier, paths: readonly string[], decode: Decoding): Promise<Pace> {
  return paced(paths.length, async () => {
    for await (const { error } of classifier.classifyAll(paths, { decode })) if (error !== undefined) throw error;
  });
}

function sharpPipeline(paths: readonly string[]): Promise<Pace> {
  const view = (bytes: Uint8Array) =>
    sharp(bytes).autoOrient().resize(SIDE, SIDE, { kernel: "cubic" }).raw().toBuffer();
  return paced(paths.length, () => together(paths, view));
}

const PILLOW = `
import sys, time
from PIL import Image
draft, side, paths = sys.argv[1] == "draft", int(sys.argv[2]), sys.argv[3:]
start = time.process_time()
for path in paths:
    image = Image.open(path)
    width, height = image.size
    size = (side * width // min(image.size), side * height // min(image.size))
    if draft:
        image.draft("RGB", (2 * size[0], 2 * size[1]))
    image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
print((time.process_time() - start) * 1000 / len(paths))
`;

/** One process with one thread: with as many as there are cores, the rate is at most this. */
async function pillowPipeline(python: string, way: "whole" | "draft", paths: readonly string[]): Promise<Pace> {
  const { status, stdout, stderr } = spawnSync(python, ["-c", PILLOW, way, String(SIDE), ...paths], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  const cpu_ms = Number(stdout);
  return { rate: (1000 * nodeHost.machine.cores) / cpu_ms, cpu_ms };
}

async function measure(paths: readonly string[]) {
  await using classifier = await loadClassifier(nodeHost, MODEL, { sessions: "auto" });
  const { python } = flags;
  const ways: Record<string, () => Promise<Pace>> = {
    ...Object.fromEntries(DECODINGS.map((decode) => [`decoding alone, ${decode}`, () => decodeAlone(paths, decode)])),
    ...Object.fromEntries(
      DECODINGS.map((decode) => [`classify, ${decode}`, () => classify(classifier, paths, decode)]),
    ),
    "sharp's resize": () => sharpPipeline(paths),
    ...(python === undefined
      ? {}
      : {
          "Pillow, whole": () => pillowPipeline(python, "whole", paths),
          "Pillow, draft": () => pillowPipeline(python, "draft", paths),
        }),
  };
  for (const way of Object.values(ways)) await way(); // the first are slow
  const rounds: { paces: Record<string, Pace>; load: LoadShare }[] = [];
  const random = new RandomSource(0);
  for (let round = 0; round < Number(flags.rounds); round++) {
    const before = readLoad();
    const paces: Record<string, Pace> = {};
    const order = Object.keys(ways).map((name) => [random.next(), name] as const);
    for (const [, name] of order.sort(([a], [b]) => a - b)) paces[name] = await ways[name]!();
    rounds.push({ paces, load: loadBetween(before, readLoad(), nodeHost.machine.machineCores) });
  }
  const { used, others, isQuiet } = judgeLoad(rounds.map(({ load }) => load));
  const median = (value: (paces: Record<string, Pace>) => number) =>
    Number(spreadOf(used.map((i) => value(rounds[i]!.paces))).median.toPrecision(4));
  const ofDecoding = (decode: Decoding, key: keyof Pace) =>
    median((paces) => {
      const [alone, all] = [paces[`decoding alone, ${decode}`]![key], paces[`classify, ${decode}`]![key]];
      return key === "rate" ? all / alone : alone / all;
    });
  return {
    rounds: rounds.length,
    rounds_used: used.length,
    others: others === undefined ? null : Number(others.toPrecision(3)),
    quiet: isQuiet,
    rows: Object.keys(ways).map((name) => ({
      name,
      rate: median((paces) => paces[name]!.rate),
      cpu_ms: median((paces) => paces[name]!.cpu_ms),
    })),
    of_decoding_alone: Object.fromEntries(
      DECODINGS.map((decode) => [decode, { rate: ofDecoding(decode, "rate"), cpu: ofDecoding(decode, "cpu_ms") }]),
    ),
    peak_megabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

const scratch = mkdtempSync(join(tmpdir(), "saccade-photographs-"));
try {
  const folder = flags.pictures ?? scratch;
  if (flags.pictures === undefined) await makePictures(folder);
  sharp.concurrency(1); // as the library does
  const paths = readdirSync(folder).map((file) => join(folder, file));
  const { processor, cores, simd } = nodeHost.machine;
  const report = {
    model: MODEL,
    pictures: paths.length,
    machine: { processor, cores, simd, node: process.version },
    date: new Date().toISOString().slice(0, 10),
    ...(await measure(paths)),
  };
  console.log(JSON.stringify(report, undefined, 1));
  if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
