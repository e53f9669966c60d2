// Pictures and clips turned into others of a known class: mirrored, upside down, played backwards. Where "moves left" mirrored is "moves right", both come from
// the same pixels, and only what tells them apart is left to learn. (Training on Something-Something exchanges its labels of left and right likewise.)
import { UsageError } from "../errors.ts";
import { flipHorizontally, flipVertically } from "../image/augment-crop.ts";
import type { RawImage } from "../image/raw-image.ts";
import type { RandomSource } from "../random.ts";
import { list } from "./dataset.ts";

export const FLIP_AXES = ["horizontal", "vertical", "time"] as const;
export type FlipAxis = (typeof FLIP_AXES)[number];

/** Along which axes half of all rows are flipped, with pairs of labels that then change places; labels in no pair stay as they are. */
export type FlipPairs = { readonly [A in FlipAxis]?: readonly (readonly [string, string])[] | undefined };

/** The same by numbers of classes: each one's class once it is flipped. */
export type Flips = { readonly [A in FlipAxis]?: Int32Array };

/**
 * Numbers for labels. A pair that the data has neither label of is left out, so that one recipe serves data with some of its classes.
 *
 * @throws UsageError when the data has one label of a pair without the other, a label that two pairs of an axis have, or none of all that are named
 */
export function flipsOf(pairs: FlipPairs, labels: readonly string[]): Flips {
  const number = new Map(labels.map((label, i) => [label, i]));
  const named = FLIP_AXES.flatMap((axis) => (pairs[axis] ?? []).flat());
  if (named.length > 0 && !named.some((label) => number.has(label)))
    throw new UsageError(
      `the data has none of the classes that flips exchange (${list(named)})`,
      `its classes are ${list(labels)}`,
    );
  const ofAxis = (axis: FlipAxis, exchanged: readonly (readonly [string, string])[]) => {
    const after = Int32Array.from(labels.keys());
    for (const pair of exchanged) {
      const [a, b] = pair.map((label) => number.get(label));
      if (a === undefined && b === undefined) continue;
      if (a === undefined || b === undefined)
        throw new UsageError(
          `flips exchange "${pair[0]}" and "${pair[1]}", and the data has no class "${pair[a === undefined ? 0 : 1]}"`,
          `its classes are ${list(labels)}`,
        );
      if (after[a] !== a || after[b] !== b)
        throw new UsageError(`flips.${axis}: "${pair[after[a] === a ? 1 : 0]}" is in two pairs`);
      after[a] = b;
      after[b] = a;
    }
    return after;
  };
  return Object.fromEntries(
    FLIP_AXES.flatMap((axis) => (pairs[axis] === undefined ? [] : [[axis, ofAxis(axis, pairs[axis])]])),
  );
}

/** Which axes one row is flipped along: each one with a probability of a half. */
export function drawFlips(flips: Flips, random: RandomSource): FlipAxis[] {
  return FLIP_AXES.filter((axis) => flips[axis] !== undefined && random.chance(0.5));
}

/** A row's label, and its target where that is soft, once it is flipped. A label of -1, which is none, stays. */
export function flipLabels<Row extends { readonly label: number; readonly softLabel?: Float32Array }>(
  row: Row,
  axes: readonly FlipAxis[],
  flips: Flips,
): Row {
  const after = (label: number) => axes.reduce((known, axis) => flips[axis]?.[known] ?? known, label);
  const { softLabel } = row;
  const soft = softLabel?.slice();
  softLabel?.forEach((share, label) => {
    soft![after(label)] = share;
  });
  return { ...row, label: after(row.label), ...(soft === undefined ? {} : { softLabel: soft }) };
}

/** The frames of a clip, or one picture, flipped. */
export function flipFrames(frames: readonly RawImage[], axes: readonly FlipAxis[]): readonly RawImage[] {
  return axes.reduce<readonly RawImage[]>((seen, axis) => {
    if (axis === "time") return seen.toReversed();
    return seen.map(axis === "horizontal" ? flipHorizontally : flipVertically);
  }, frames);
}
