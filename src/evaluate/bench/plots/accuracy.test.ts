import { expect, test } from "vitest";
import { assertWellFormed } from "../../report/well-formed.test-helper.ts";
import { drawAccuracy } from "./accuracy.ts";

const point = (x: number, accuracy: number) => ({ x, accuracy, title: `${x} & <${accuracy}>` });

/** Their centres. */
const dotsOf = (svg: string): number[][] =>
  [...svg.matchAll(/<circle[^>]* cx="([\d.]+)" cy="([\d.]+)"/g)].map((match) => match.slice(1).map(Number));

test("a file of its own: a line and dots a series, better is higher, later is further right", () => {
  const svg = drawAccuracy({
    title: "Accuracy <here>",
    xTitle: "looks",
    note: "a & b",
    series: [
      { label: "policy", points: [point(1, 0.2), point(2, 0.6)] },
      { label: "whole", points: [point(2, 0.5)] },
    ],
    xTicks: [1, 2],
  });
  assertWellFormed(svg);
  const dots = dotsOf(svg);
  expect(dots).toHaveLength(3);
  const [first, second, whole] = dots as [number, number][];
  expect(first![0]).toBeLessThan(second![0]);
  expect([second![0], second![1] < whole![1], whole![1] < first![1]]).toEqual([whole![0], true, true]);
  expect(svg.match(/class="line /g)).toHaveLength(1);
  expect(svg).toContain("60 %");
});

test("one point alone is drawn too", () => {
  const svg = drawAccuracy({ title: "t", xTitle: "x", note: "", series: [{ label: "one", points: [point(3, 0.5)] }] });
  assertWellFormed(svg);
  expect(svg).not.toContain("NaN");
});

test("labels stand beside the dots of other lines, and beside one another", () => {
  const svg = drawAccuracy({
    title: "t",
    xTitle: "milliseconds",
    note: "",
    series: [
      { label: "stopping early", points: [point(2, 0.4), point(3.4, 0.733)] },
      { label: "the policy", points: [point(2.7, 0.46), point(3.5, 0.717), point(4.1, 0.74)] },
      { label: "anywhere", points: [point(2.7, 0.46), point(4.1, 0.742)] },
    ],
  });
  assertWellFormed(svg);
  const dots = dotsOf(svg);
  const labels = [...svg.matchAll(/<text class="f\S+" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]+)</g)].map(
    ([, x, y, anchor, text]) => {
      const width = 6 * text!.length;
      const left = Number(x) - (anchor === "start" ? 0 : anchor === "middle" ? width / 2 : width);
      return { left, right: left + width, top: Number(y) - 9, bottom: Number(y) + 2 };
    },
  );
  expect(labels).toHaveLength(3);
  for (const [i, { left, right, top, bottom }] of labels.entries()) {
    expect(dots.filter(([x, y]) => x! > left && x! < right && y! > top && y! < bottom)).toEqual([]);
    const others = labels.slice(i + 1);
    expect(others.filter((b) => left < b.right && b.left < right && top < b.bottom && b.top < bottom)).toEqual([]);
  }
});
