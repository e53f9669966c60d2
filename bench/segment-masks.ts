// What segments of a large photograph take of the processor, from a model's scores on: maps at 4 megapixels, masks enlarged to the picture. Scores are made up, round things with noise,
// from a seed: as soft as those of models, and as many.
//
//   npx tsx bench/segment-masks.ts [--width 6000] [--height 4000] [--rounds 5] [--out bench/results/dense/segment-masks.json]
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { RandomSource } from "../src/random.ts";
import { segmentsOf, type ViewScores } from "../src/tasks/segment/read-outputs.ts";
import type { Segmentation } from "../src/tasks/segment/results.ts";

const { values: flags } = parseArgs({
  options: {
    width: { type: "string", default: "6000" },
    height: { type: "string", default: "4000" },
    rounds: { type: "string", default: "5" },
    out: { type: "string", default: "bench/results/dense/segment-masks.json" },
  },
});
const picture = { width: Number(flags.width), height: Number(flags.height) };
const view = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
const [WIDTH, HEIGHT, QUERIES, CLASSES] = [192, 128, 100, 133];
const random = new RandomSource(5, "segment-masks");

/** A map a thing: above 0 within it, and the further away the lower. */
function roundThings(count: number, sharpness: number): Float32Array {
  const data = new Float32Array(count * WIDTH * HEIGHT);
  for (let thing = 0; thing < count; thing++) {
    const [cx, cy, radius] = [random.between(0, WIDTH), random.between(0, HEIGHT), random.between(4, 30)];
    for (let y = 0; y < HEIGHT; y++)
      for (let x = 0; x < WIDTH; x++)
        data[(thing * HEIGHT + y) * WIDTH + x] =
          sharpness * (radius - Math.hypot(x - cx, y - cy)) + random.between(-0.5, 0.5);
  }
  return data;
}

function classLogits(): Float32Array {
  const logits = Float32Array.from({ length: QUERIES * (CLASSES + 1) }, () => random.between(-2, 2));
  // A third of the queries finds nothing.
  for (let query = 0; query < QUERIES; query++)
    logits[query * (CLASSES + 1) + (query % 3 === 0 ? CLASSES : query % CLASSES)] = 9;
  return logits;
}

const grid = { width: WIDTH, height: HEIGHT };
const ofClasses: ViewScores = { ...grid, data: roundThings(21, 0.3), maps: 21, classes: 21 };
const ofMasks: ViewScores = {
  ...grid,
  data: roundThings(QUERIES, 0.5),
  maps: QUERIES,
  classes: CLASSES,
  classLogits: classLogits(),
};
const CASES: readonly (readonly [name: string, scores: ViewScores, kind: Segmentation, threshold: number])[] = [
  ["21 classes of pixels", ofClasses, "semantic", 0],
  ["100 masks, semantic", ofMasks, "semantic", 0],
  ["100 masks, instance", ofMasks, "instance", 0.3],
  ["100 masks, panoptic", ofMasks, "panoptic", 0.5],
];

const rows = [];
for (const [name, scores, kind, threshold] of CASES) {
  const choice = { kind, threshold, most: 100, isThing: (index: number) => index < 80, only: undefined };
  const times: number[] = [];
  let segments = 0;
  for (let round = 0; round < Number(flags.rounds); round++) {
    const before = process.cpuUsage();
    segments = (await segmentsOf([scores], [view], picture, choice, undefined)).segments.length;
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  times.sort((a, b) => a - b);
  const milliseconds = Math.round(times[Math.floor(times.length / 2)]!);
  rows.push({ name, segments, processor_ms: milliseconds });
  console.log(`${name}: ${segments} segments, ${milliseconds} ms of the processor`);
}
await mkdir(dirname(flags.out), { recursive: true });
await writeFile(flags.out, `${JSON.stringify({ picture, grid, rows }, undefined, 2)}\n`);
