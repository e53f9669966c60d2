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
