import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDims,
  type Dim,
  dim,
  divideDims,
  elementsOf,
  evaluateDim,
  floorDivideDim,
  multiplyDims,
  sizeOf,
  subtractDims,
  symbolsOf,
} from "./dimensions.ts";

const SIZES = new Map([
  ["batch", 3],
  ["height", 37],
  ["width", 50],
]);

describe("dimensions", () => {
  test("canonical text", () => {
    expect(multiplyDims(49, "batch")).toBe("49*batch");
    expect(multiplyDims("width", "height", 2)).toBe("2*height*width");
    expect(addDims("batch", 1, "batch")).toBe("2*batch + 1");
    expect(subtractDims("batch", "batch")).toBe(0);
    expect(floorDivideDim(subtractDims("height", 1), 2)).toBe("floor((height - 1)/2)");
    expect(dim("1 + batch")).toBe("batch + 1");
    expect(sizeOf(["batch", 49, 256])).toBe("12544*batch");
    expect(sizeOf([49, "batch", 256, "1 + batch"])).toBe("12544*batch + 12544*batch*batch");
    expect(multiplyDims("batch", 0, "height")).toBe(0);
    expect(() => multiplyDims("batch", 0.5, 2)).toThrow(/not an integer/);
  });

  test("floors of sums and of floors have one text", () => {
    expect(floorDivideDim("height + 1", 2)).toBe("floor((height - 1)/2) + 1");
    expect(floorDivideDim("height - 4", 4)).toBe("floor((height)/4) - 1");
    expect(floorDivideDim("3*height + 2*width + 4", 2)).toBe("floor((height)/2) + height + width + 2");
    const halved = (size: Dim) => addDims(floorDivideDim(subtractDims(size, 1), 2), 1);
    expect(halved(halved(halved("height")))).toBe("floor((height - 1)/8) + 1");
    expect(floorDivideDim("2*width - 1", 2)).toBe("width - 1");
    expect(floorDivideDim(floorDivideDim("batch*height", 2), 3)).toBe("floor((batch*height)/6)");
  });

  test("exact division, as reshaping needs", () => {
    expect(divideDims("12544*batch", 256)).toBe("49*batch");
    expect(divideDims(multiplyDims("batch", "height", 6), multiplyDims("height", 3))).toBe("2*batch");
    expect(divideDims("49*batch", 10)).toBeUndefined();
    expect([divideDims(12, 4), divideDims(12, 5), divideDims(0, -3)]).toEqual([3, undefined, 0]);
    expect([divideDims(12, 0), divideDims(0, 0)]).toEqual([undefined, 1]);
    expect(divideDims("batch + 1", "batch + 1")).toBe(1);
  });

  test("elements of a shape whose sizes are known", () => {
    expect(elementsOf([2, "batch", "floor(height/2) + 1", "height*width"], SIZES)).toBe(2 * 3 * 19 * 37 * 50);
    expect([elementsOf([], SIZES), elementsOf(["batch", 0], SIZES)]).toEqual([1, 0]);
    expect(() => elementsOf(["depth"], SIZES)).toThrow(/"depth" is not known/);
  });

  test("names inside floor are found", () => {
    expect(symbolsOf("floor((floor((height - 1)/2))/2)*batch")).toEqual(["batch", "height"]);
  });

  test("malformed text is refused", () => {
    for (const text of ["", "3 +", "a b", "floor(x)", "floor(x/0)", "2.5", "(a", "a$"])
      expect(() => dim(text), text).toThrow(/is not a size/);
    expect(() => dim(1.5)).toThrow();
  });

  test("arithmetic on text agrees with arithmetic on numbers, and text survives a round trip", () => {
    const leaf = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom<Dim>("batch", "height", "width"));
    const { expression } = fc.letrec<{ expression: Dim }>((tie) => ({
      expression: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => addDims(a, b)),
        fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => multiplyDims(a, b)),
        fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => subtractDims(a, b)),
        fc.tuple(tie("expression"), fc.integer({ min: 1, max: 5 })).map(([a, b]) => floorDivideDim(a, b)),
      ),
    }));
    fc.assert(
      fc.property(expression, expression, fc.integer({ min: 1, max: 7 }), (a, b, n) => {
        for (const d of [a, b]) expect(Object.is(d, -0)).toBe(false);
        const value = (d: Dim) => evaluateDim(d, SIZES) + 0; // + 0: no negative zero
        expect(dim(a)).toBe(a);
        expect(value(addDims(a, b))).toBe(value(a) + value(b) + 0);
        expect(value(multiplyDims(a, b))).toBe(value(a) * value(b) + 0);
        expect(value(floorDivideDim(a, n))).toBe(Math.floor(value(a) / n) + 0);
        expect(evaluateDim(typeof a === "string" ? dim(a.replaceAll(" ", "")) : a, SIZES) + 0).toBe(value(a));
      }),
    );
  });
});
