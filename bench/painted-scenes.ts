// Scenes for small trainings of segmenters: striped things in random shapes before a soft ground. Their classes are two colours by two directions of stripes, or with --classes colors three
// colours, whatever the stripes. Half of the scenes are easy, with one or two large things; the others are crowded with small ones that hide each other. Boxes and outlines, or masks, are
// exact; with outlines the ground is a further class, of stuff, so that every pixel is of something.
//
//   npx tsx bench/painted-scenes.ts FOLDER [--annotations coco] [--classes stripes] [--size 64] [--count 3000] [--held-out 500] [--seed 1] [--things-only]
//
// With --things-only nothing is said of the ground, as detectors want it.
// FOLDER is a data set as `saccade scenes` writes it.
import { parseArgs } from "node:util";
import sharp from "sharp";
import { type Mask, maskArea, maskBox, maskOf } from "../src/boxes/masks.ts";
import { type SceneAnnotations, writeAnnotatedScenes } from "../src/data/scenes/write-annotated.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { drawSilhouette } from "../src/image/silhouette.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    annotations: { type: "string", default: "coco" },
    size: { type: "string", default: "64" },
    classes: { type: "string", default: "stripes" },
    "things-only": { type: "boolean", default: false },
    count: { type: "string", default: "3000" },
    "held-out": { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
  },
});
const out = positionals[0];
if (out === undefined) throw new Error("which folder? npx tsx bench/painted-scenes.ts FOLDER");
const size = Number(flags.size);
const seed = Number(flags.seed);

const WARM = [205, 120, 70] as const;
const COLD = [70, 125, 200] as const;
const GREEN = [90, 190, 80] as const;
interface Kind {
  readonly name: string;
  readonly color: readonly number[];
  /** Which way stripes are; undefined for either. */
  readonly across?: boolean;
}
const KINDS: Readonly<Record<string, readonly Kind[]>> = {
  stripes: [
    { name: "warm across", color: WARM, across: true },
    { name: "warm along", color: WARM, across: false },
    { name: "cold across", color: COLD, across: true },
    { name: "cold along", color: COLD, across: false },
  ],
  colors: [
    { name: "warm", color: WARM },
    { name: "cold", color: COLD },
    { name: "green", color: GREEN },
  ],
};
const kinds = KINDS[flags.classes];
if (kinds === undefined) throw new Error(`--classes is ${Object.keys(KINDS).join(" or ")}`);
const annotations = flags.annotations as SceneAnnotations;
const names = kinds.map(({ name }) => name);
const hasGround = annotations === "coco" && !flags["things-only"];
const labels = hasGround ? [...names, "ground"] : names;
/** Deviations of what a scene's light and a thing's own paint change, and of the noise of a pixel; of 255. */
const [LIGHT, PAINT, NOISE] = [12, 22, 14];
/** Things that are seen less are not asked for. */
const LEAST_PIXELS = 16;

interface Thing {
  readonly label: number;
  readonly across: boolean;
  readonly left: number;
  readonly top: number;
  readonly side: number;
  readonly shape: Uint8Array;
  readonly color: readonly number[];
  readonly wavelength: number;
  readonly phase: number;
  readonly contrast: number;
}

function thingOf(random: RandomSource, small: boolean): Thing {
  const label = random.integer(kinds!.length);
  const { color, across = random.chance(0.5) } = kinds![label]!;
  const side = Math.round(size * (small ? random.between(0.16, 0.34) : random.between(0.36, 0.6)));
  const place = () => Math.round(random.between(-0.1 * side, size - 0.9 * side));
  return {
    ...{ label, side, left: place(), top: place(), shape: drawSilhouette(side, random) },
    ...{ across, color: color.map((value) => value + PAINT * random.normal()) },
    ...{ wavelength: random.between(4, 7), phase: random.between(0, 2 * Math.PI) },
    contrast: small ? random.between(18, 40) : random.between(35, 55),
  };
}

function paint(random: RandomSource): { readonly image: RawImage; readonly things: readonly Painted[] } {
  const small = random.chance(0.5);
  const count = small ? 4 + random.integer(4) : 1 + random.integer(2);
  const things = Array.from({ length: count }, () => thingOf(random, small));
  const owners = new Uint8Array(size * size);
  // What is painted before light and noise.
  const painted = new Float64Array(size * size * 3);
  const light = LIGHT * random.normal();
  const slopes = [random.between(-0.6, 0.6), random.between(-0.6, 0.6)] as const;
  for (let y = 0, at = 0; y < size; y++)
    for (let x = 0; x < size; x++, at++) {
      const ground = 125 + (slopes[0] * (x - size / 2) + slopes[1] * (y - size / 2)) * (64 / size);
      painted.fill(ground, 3 * at, 3 * at + 3);
    }
  for (const [i, thing] of things.entries()) paintThing(thing, i + 1, painted, owners);
  const data = new Uint8Array(size * size * 3);
  for (let at = 0; at < data.length; at++)
    data[at] = Math.max(0, Math.min(255, Math.round(painted[at]! + light + NOISE * random.normal())));
  const shown = things.map(({ label }, i) => ({ label, owner: i + 1 }));
  const parts = hasGround ? [...shown, { label: names.length, owner: 0 }] : shown;
  const seen = parts.flatMap(({ label, owner: own }) => {
    const pixels = new Uint8Array(owners.length);
    for (let at = 0; at < pixels.length; at++) pixels[at] = owners[at] === own ? 1 : 0;
    const mask = maskOf(pixels, { width: size, height: size });
    const box = maskBox(mask);
    return box === undefined || maskArea(mask) < LEAST_PIXELS ? [] : [{ label, mask, box }];
  });
  return { image: { width: size, height: size, data }, things: seen };
}

/** Over what is there already, as far as it lies in the scene. */
function paintThing(thing: Thing, owner: number, painted: Float64Array, owners: Uint8Array): void {
  const { side, left, top, shape, color, across, contrast, phase, wavelength } = thing;
  for (let v = Math.max(0, -top); v < Math.min(side, size - top); v++)
    for (let u = Math.max(0, -left); u < Math.min(side, size - left); u++) {
      if (shape[v * side + u] === 0) continue;
      const at = (top + v) * size + left + u;
      owners[at] = owner;
      const wave = contrast * Math.cos((2 * Math.PI * (across ? u : v)) / wavelength + phase);
      for (let c = 0; c < 3; c++) painted[3 * at + c] = color[c]! + wave;
    }
}

interface Painted {
  readonly label: number;
  readonly mask: Mask;
  readonly box: NonNullable<ReturnType<typeof maskBox>>;
}

const raw = ({ width, height, data }: RawImage) => sharp(data, { raw: { width, height, channels: 3 } });
const folder = {
  ...{ files: nodeHost.files, out, labels, annotations },
  record: { made_by: "bench/painted-scenes.ts", size, count: Number(flags.count), seed },
  encodePng: async (image: RawImage) => new Uint8Array(await raw(image).extractChannel(0).png().toBuffer()),
};
await writeAnnotatedScenes(folder, async (write) => {
  for (const [split, count] of [
    ["train", Number(flags.count)],
    ["validation", Number(flags["held-out"])],
  ] as const)
    for (let i = 0; i < count; i++) {
      const { image, things } = paint(new RandomSource(seed, `painted/${split}/${i}`));
      const jpeg = new Uint8Array(await raw(image).jpeg({ quality: 95 }).toBuffer());
      await write(split, { number: i + 1, size, jpeg, things });
    }
});
