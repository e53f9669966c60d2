import { expect, test } from "vitest";
import { assertWellFormed } from "../../report/well-formed.test-helper.ts";
import { drawAccuracy } from "./accuracy.ts";

const point = (x: number, accuracy: number) => ({ x, accuracy, title: `${x} & <${accuracy}>` });

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
  const dots = [...svg.matchAll(/<circle[^>]* cx="([\d.]+)" cy="([\d.]+)"/g)].map((match) =>
    match.slice(1).map(Number),
  );
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
