// One cluttered scene: a picture that decides (the evidence) somewhere in a large one whose rest tells nothing. The ground is made of blurred
// crops far too small to tell what they show; the clutter of jigsaws, whole pictures cut into small tiles and shuffled, so that they have the
// colours, sizes and hard edges of the evidence and none of its meaning.
import type { RandomSource } from "../random.ts";
import { type Color, createPicture, paste } from "./draw.ts";
import type { RawImage } from "./raw-image.ts";
import { copyWindow, resample } from "./resample.ts";

export interface SceneOptions {
  /** Side of the scene. */
  readonly size: number;
  /** Jigsaws strewn over the ground. They may overlap each other, and the evidence lies on top of all. */
  readonly clutter: number;
  /** Width of the white frame around the evidence: what a glance still sees of it. Default 0, none. */
  readonly frame?: number;
}

export interface Scene {
  readonly image: RawImage;
  /** Where the evidence is, corners included and its frame not. */
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
}

/** Tiles along a side of a jigsaw: an eighth of a picture is a patch of colour or an edge, and no part of a thing. */
const TILES = 8;
/** Cells of the ground along a side of the evidence, and the share of a picture's side that each cell shows, blown up. */
const CELLS = 2;
const CELL_CROP = 1 / 8;
/** Grain of the ground, in grey values to both sides. */
const GRAIN = 12;

/**
 * Draws a scene. Everything that it draws at random comes from `random`.
 *
 * @param evidence a square picture, as large as it shall be seen
 * @param strewn whole pictures, squares too, that lie among the clutter
 * @param material gives a square picture whenever one is needed for ground or clutter
 */
export function drawScene(
  evidence: RawImage,
  strewn: readonly RawImage[],
  material: () => RawImage,
  options: SceneOptions,
  random: RandomSource,
): Scene {
  const { size } = options;
  const image = drawGround(size, evidence.width, material, random);
  const pieces = [...Array.from({ length: options.clutter }, () => jigsaw(material(), random)), ...strewn];
  const place = (side: number) => random.integer(size - side + 1);
  for (const piece of random.shuffle(pieces)) paste(piece, image, place(piece.width), place(piece.width));
  const { frame = 0 } = options;
  const whole = framed(evidence, frame);
  const left = place(whole.width);
  const top = place(whole.width);
  paste(whole, image, left, top);
  const [x, y] = [left + frame, top + frame];
  return { image, box: [x, y, x + evidence.width - 1, y + evidence.width - 1] };
}

/** A thing to be put into a scene: a square picture, and which of its pixels it is made of. */
export interface SceneThing {
  readonly picture: RawImage;
  /** Row by row, 1 where the thing is. Absent: the whole square. */
  readonly shape?: Uint8Array;
}

/** A scene of several things. */
export interface ThingScene {
  readonly image: RawImage;
  /** Which thing each pixel shows, row by row: its number from 1, or 0. */
  readonly owners: Uint16Array;
}

/** How much of a thing may be hidden by one that is put there later, and how often another place is tried. */
const MOST_HIDDEN = 0.25;
const PLACES = 30;

/**
 * Draws a scene of several things on top of ground and clutter. A thing for which there is no room left is left out.
 *
 * @param strewn, material as for `drawScene`
 */
export function drawThings(
  things: readonly SceneThing[],
  strewn: readonly RawImage[],
  material: () => RawImage,
  { size, clutter }: SceneOptions,
  random: RandomSource,
): ThingScene {
  const usual = Math.max(...things.map(({ picture }) => picture.width));
  const image = drawGround(size, usual, material, random);
  const place = (side: number) => random.integer(size - side + 1);
  const pieces = [...Array.from({ length: clutter }, () => jigsaw(material(), random)), ...strewn];
  for (const piece of random.shuffle(pieces)) paste(piece, image, place(piece.width), place(piece.width));
  const owners = new Uint16Array(size * size);
  const taken: { readonly x: number; readonly y: number; readonly side: number }[] = [];
  for (const [i, { picture, shape }] of things.entries()) {
    const side = picture.width;
    const isFree = (x: number, y: number) =>
      taken.every((other) => {
        const width = Math.min(x + side, other.x + other.side) - Math.max(x, other.x);
        const height = Math.min(y + side, other.y + other.side) - Math.max(y, other.y);
        return width <= 0 || height <= 0 || width * height <= MOST_HIDDEN * Math.min(side, other.side) ** 2;
      });
    const free = Array.from({ length: PLACES }, () => ({ x: place(side), y: place(side) })).find(({ x, y }) =>
      isFree(x, y),
    );
    if (free === undefined) continue;
    taken.push({ ...free, side });
    for (let y = 0, from = 0; y < side; y++)
      for (let x = 0; x < side; x++, from++) {
        if (shape?.[from] === 0) continue;
        const at = (free.y + y) * size + free.x + x;
        image.data.set(picture.data.subarray(3 * from, 3 * from + 3), 3 * at);
        owners[at] = i + 1;
      }
  }
  return { image, owners };
}

const FRAME: Color = [255, 255, 255];

/** A square picture with a white frame of `width` around it. */
export function framed(picture: RawImage, width: number): RawImage {
  if (width === 0) return picture;
  const side = picture.width + 2 * width;
  const image = createPicture(side, side, FRAME);
  paste(picture, image, width, width);
  return image;
}

/** Soft blotches in the colours of pictures, with grain. */
function drawGround(size: number, evidenceSide: number, material: () => RawImage, random: RandomSource): RawImage {
  const image: RawImage = { width: size, height: size, data: new Uint8Array(size * size * 3) };
  const cell = Math.max(8, Math.round(evidenceSide / CELLS));
  for (let y = 0; y < size; y += cell)
    for (let x = 0; x < size; x += cell) paste(resample(smallCrop(material(), random), cell, cell), image, x, y);
  const { data } = image;
  for (let at = 0; at < data.length; at += 3) {
    const grain = random.integer(2 * GRAIN + 1) - GRAIN;
    for (let i = at; i < at + 3; i++) data[i] = Math.min(255, Math.max(0, data[i]! + grain));
  }
  return image;
}

function smallCrop(picture: RawImage, random: RandomSource): RawImage {
  const side = Math.max(2, Math.round(picture.width * CELL_CROP));
  const place = () => random.integer(picture.width - side + 1);
  return copyWindow(picture, { x: place(), y: place(), width: side, height: side });
}

/** How much smaller and larger than its picture a jigsaw may be. */
const SMALLEST = 0.75;
const LARGEST = 1.25;

const tileOf = (side: number, factor: number) => Math.max(1, Math.round((side * factor) / TILES));

/** Side of the largest jigsaw of a picture. */
export function largestJigsaw(side: number): number {
  return tileOf(side, LARGEST) * TILES;
}

/** A square picture cut into tiles that are put together in a random order; 0.75 to 1.25 of its size. */
export function jigsaw(picture: RawImage, random: RandomSource): RawImage {
  const tile = tileOf(picture.width, random.between(SMALLEST, LARGEST));
  const side = tile * TILES;
  const source = resample(picture, side, side);
  const image: RawImage = { width: side, height: side, data: new Uint8Array(side * side * 3) };
  const order = random.shuffle(Int32Array.from({ length: TILES * TILES }, (_, i) => i));
  const corner = (i: number) => ({ x: (i % TILES) * tile, y: Math.floor(i / TILES) * tile });
  order.forEach((from, to) => {
    const { x, y } = corner(to);
    paste(copyWindow(source, { ...corner(from), width: tile, height: tile }), image, x, y);
  });
  return image;
}

/** The largest centred square of a picture, scaled to `side`. */
export function squarePicture(picture: RawImage, side: number): RawImage {
  const shorter = Math.min(picture.width, picture.height);
  const left = (picture.width - shorter) / 2;
  const top = (picture.height - shorter) / 2;
  return resample(picture, side, side, { box: [left, top, left + shorter, top + shorter] });
}
