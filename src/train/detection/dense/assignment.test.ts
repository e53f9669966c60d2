// Which place learns which thing, against the rules as loops.
import { describe, expect, test } from "vitest";
import { values } from "../../../graph/build.ts";
import { interpret } from "../../../graph/interpreter/interpret.ts";
import { type Scope, trace } from "../../../graph/scope.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { RandomSource } from "../../../random.ts";
import { tensor, toFloat64 } from "../../../tensor.ts";
import { coordinatesOf } from "../boxes.ts";
import { byOverlap, byPlace } from "./assignment.ts";
import { keypointTargets } from "./keypoints.ts";

type Box = readonly [x: number, y: number, width: number, height: number];

const random = new RandomSource(0, "assignment");
const draw = (low: number, high: number) => low + (high - low) * random.uniform();

/** Centres and sizes in a picture of 64 x 48 pixels. Two pictures with up to four things. */
const boxes = (count: number): Box[] =>
  Array.from({ length: count }, () => [draw(0, 64), draw(0, 48), draw(4, 40), draw(4, 40)]);
const MOST = 4;
const COUNTS = [4, 2];
const things = COUNTS.map(() => boxes(MOST));

/** Runs what is built on the things of both pictures. */
function run(build: (scope: Scope, things: Tensor, valid: Tensor) => Readonly<Record<string, Tensor>>) {
  const graph = trace((scope) =>
    build(scope, scope.graph.input("things", [2, MOST, 4]), scope.graph.input("valid", [2, MOST])),
  );
  const valid = COUNTS.flatMap((count) => Array.from({ length: MOST }, (_, i) => (i < count ? 1 : 0)));
  const found = interpret(graph, {
    inputs: {
      things: tensor("float32", [2, MOST, 4], Float32Array.from(things.flat(2))),
      valid: tensor("float32", [2, MOST], Float32Array.from(valid)),
    },
    parameters: new Map(),
  });
  return (name: string) => [...toFloat64(found.get(name)!)];
}

function overlap(a: Box, b: Box): number {
  const along = (i: 0 | 1) =>
    Math.max(
      0,
      Math.min(a[i] + a[i + 2]! / 2, b[i] + b[i + 2]! / 2) - Math.max(a[i] - a[i + 2]! / 2, b[i] - b[i + 2]! / 2),
    );
  const both = along(0) * along(1);
  return both / (a[2] * a[3] + b[2] * b[3] - both);
}

/** Owners as the graph gives them: (2, places, MOST), 1 for the owner. */
const pairsOf = (owners: readonly (readonly number[])[]) =>
  owners.flatMap((picture) => picture.flatMap((own) => Array.from({ length: MOST }, (_, i) => (i === own ? 1 : 0))));

test("boxes learn what they overlap enough, and every thing has the boxes that overlap it most", () => {
  const laid = boxes(60);
  const owners: number[][] = [];
  const learns: number[] = [];
  things.forEach((all, picture) => {
    const own = all.slice(0, COUNTS[picture]);
    const rows = laid.map((box) => own.map((thing) => overlap(box, Float32Array.from(thing) as unknown as Box)));
    const best = own.map((_, i) => Math.max(...rows.map((row) => row[i]!)));
    owners.push(
      rows.map((row) => {
        const closest = row.map((value, i) => (value > 0 && value === best[i] ? i : -1));
        if (Math.max(...closest) >= 0) return Math.max(...closest);
        const most = Math.max(...row);
        return most >= 0.5 ? row.indexOf(most) : -1;
      }),
    );
    learns.push(...rows.map((row, i) => (owners[picture]![i]! >= 0 || Math.max(...row) < 0.4 ? 1 : 0)));
  });
  const found = run((scope, all, valid) => {
    const table = values(scope.graph, [1, laid.length, 4], laid.flat());
    const { pairs, matched, learns: some } = byOverlap(coordinatesOf(table, 2), coordinatesOf(all, 1), valid);
    return { pairs, matched, learns: some };
  });
  expect(found("pairs")).toEqual(pairsOf(owners));
  expect(found("matched")).toEqual(owners.flat().map((own) => (own >= 0 ? 1 : 0)));
  expect(found("learns")).toEqual(learns);
  expect(owners.flat().filter((own) => own >= 0).length).toBeGreaterThan(6);
  expect(learns.filter((own) => own === 0).length).toBeGreaterThan(0);
});

describe.each([undefined, 12])("with a radius of %s", (radius) => {
  test("points learn the smallest thing that they are in, if it is of their size", () => {
    const points = Array.from({ length: 48 }, (_, i): Box => [(i % 8) * 8 + 4, Math.floor(i / 8) * 8 + 4, 8, 8]);
    const [least, most] = [6, 22];
    const owners = things.map((all, picture) =>
      points.map(([x, y]) => {
        const fits = all.slice(0, COUNTS[picture]).map(([cx, cy, width, height]) => {
          const sides = [x - cx + width / 2, y - cy + height / 2, cx + width / 2 - x, cy + height / 2 - y];
          const isNear = radius === undefined || Math.max(Math.abs(x - cx), Math.abs(y - cy)) < radius;
          const isFor = Math.max(...sides) >= least && Math.max(...sides) <= most;
          return Math.min(...sides) > 0 && isNear && isFor ? width * height : Number.POSITIVE_INFINITY;
        });
        const smallest = Math.min(...fits);
        return Number.isFinite(smallest) ? fits.indexOf(smallest) : -1;
      }),
    );
    const found = run((scope, all, valid) => {
      const table = coordinatesOf(values(scope.graph, [1, points.length, 4], points.flat()), 2);
      const number = (value: number) => values(scope.graph, [1, 1, 1], [value]);
      const limits = { least: number(least), most: number(most) };
      const rules = radius === undefined ? limits : { ...limits, radius: number(radius) };
      const { pairs, learns } = byPlace(table, coordinatesOf(all, 1), valid, rules);
      return { pairs, learns };
    });
    expect(found("pairs")).toEqual(pairsOf(owners));
    expect(found("learns")).toEqual(owners.flat().map(() => 1));
    expect(owners.flat().filter((own) => own >= 0).length).toBeGreaterThan(4);
  });
});

test("heat maps are 1 at the place nearest to a thing's point, on every level, and offsets lead there", () => {
  const levels = [
    { stride: 8, height: 6, width: 8 },
    { stride: 16, height: 3, width: 4 },
  ];
  const found = run((_, all, valid) => {
    const { scores, owners, offsets, learns } = keypointTargets(
      "bottom_right_corner",
      { ...coordinatesOf(all, 1), valid },
      levels,
    );
    return { scores, owners, offsets, learns };
  });
  const [scores, owners, offsets, learns] = ["scores", "owners", "offsets", "learns"].map(found) as [
    number[],
    number[],
    number[],
    number[],
  ];
  const places = levels.flatMap(({ stride, height, width }) =>
    Array.from({ length: height * width }, (_, i) => ({
      x: (i % width) * stride + stride / 2,
      y: Math.floor(i / width) * stride + stride / 2,
      stride,
    })),
  );
  things.forEach((all, picture) => {
    const own = all.slice(0, COUNTS[picture]);
    const points = own.map(([x, y, width, height]) => ({ x: x + width / 2, y: y + height / 2 }));
    levels.forEach((_, level) => {
      const [from, to] = level === 0 ? [0, 48] : [48, 60];
      const nearest = points.map((point) => {
        const distances = places.slice(from, to).map((place) => (place.x - point.x) ** 2 + (place.y - point.y) ** 2);
        return from + distances.indexOf(Math.min(...distances));
      });
      for (let at = from; at < to; at++) {
        const row = picture * places.length + at;
        const isPoint = nearest.includes(at);
        expect(learns[row]).toBe(isPoint ? 1 : 0);
        if (!isPoint) {
          expect(scores[row]).toBeLessThan(1);
          continue;
        }
        expect(scores[row]).toBe(1);
        const owner = owners.slice(row * MOST, (row + 1) * MOST).indexOf(1);
        expect(nearest[owner]).toBe(at);
        const { x, y, stride } = places[at]!;
        expect(offsets[row * 2]).toBeCloseTo((points[owner]!.x - x) / stride, 5);
        expect(offsets[row * 2 + 1]).toBeCloseTo((points[owner]!.y - y) / stride, 5);
      }
    });
  });
});
