// Pictures that are unlike pictures: tiny, a strip, one colour, grey among coloured ones, or far larger than the rest.
import { spreadOf } from "../statistics.ts";
import type { PictureFacts } from "./picture-facts.ts";

export const ODDITIES = ["blank", "tiny", "strip", "grey", "large"] as const;
export type OddityKind = (typeof ODDITIES)[number];

export interface Oddity {
  /** Place of the picture. */
  readonly picture: number;
  readonly kind: OddityKind;
  /** What is odd, for people: "12 x 9 pixels, where the middle one has 400 x 300". */
  readonly reason: string;
}

/** Levels of 255 that a picture of one colour differs by at most. */
const BLANK_RANGE = 6;
/** A picture is tiny when its shorter side is below both. */
const TINY_SIDE = 32;
const TINY_SHARE = 0.25;
const STRIP_RATIO = 4;
/** Grey pictures are odd where they are fewer than this. */
const GREY_SHARE = 0.1;
const LARGE_RATIO = 8;

/** Everything odd, kind by kind, and within a kind in the order of the pictures. */
export function findOddities(facts: readonly PictureFacts[]): Oddity[] {
  if (facts.length === 0) return [];
  const side = spreadOf(facts.map(shorterSide)).median;
  const area = spreadOf(facts.map(({ width, height }) => width * height)).median;
  const ratio = spreadOf(facts.map(elongation)).median;
  const grey = facts.filter(({ isGrey }) => isGrey).length;
  const rules: Record<OddityKind, (one: PictureFacts) => string | undefined> = {
    blank: ({ range }) => (range <= BLANK_RANGE ? "one colour all over" : undefined),
    tiny: (one) =>
      shorterSide(one) < Math.min(TINY_SIDE, TINY_SHARE * side)
        ? `${sizeOf(one)} pixels; the usual shorter side is ${Math.round(side)}`
        : undefined,
    // Where all pictures are long, length is not odd.
    strip: (one) =>
      elongation(one) >= STRIP_RATIO * Math.max(1, ratio / 2)
        ? `${sizeOf(one)} pixels: one side is ${elongation(one).toFixed(1)} times the other, and models see its middle only`
        : undefined,
    grey: ({ isGrey, range }) =>
      isGrey && range > BLANK_RANGE && grey < GREY_SHARE * facts.length
        ? `without colour, as ${grey === 1 ? "no other" : `only ${grey}`} of ${facts.length} pictures`
        : undefined,
    large: (one) =>
      one.width * one.height > LARGE_RATIO * area
        ? `${sizeOf(one)} pixels: ${Math.round((one.width * one.height) / area)} times as many as usual`
        : undefined,
  };
  return ODDITIES.flatMap((kind) =>
    facts.flatMap((one, picture) => {
      const reason = rules[kind](one);
      return reason === undefined ? [] : [{ picture, kind, reason }];
    }),
  );
}

const shorterSide = ({ width, height }: PictureFacts): number => Math.min(width, height);
const elongation = ({ width, height }: PictureFacts): number => Math.max(width, height) / Math.min(width, height);
const sizeOf = ({ width, height }: PictureFacts): string => `${width} x ${height}`;
