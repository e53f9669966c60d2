import { describe, expect, test } from "vitest";
import { RandomSource } from "./random.ts";

const draw = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("RandomSource", () => {
  test("depends on the seed and the name alone", () => {
    const numbers = (seed: number, name: string) => {
      const random = new RandomSource(seed, name);
      return draw(5, () => random.next());
    };
    expect(numbers(1, "a")).toEqual(numbers(1, "a"));
    expect(numbers(1, "a")).not.toEqual(numbers(2, "a"));
    expect(numbers(1, "a")).not.toEqual(numbers(1, "b"));
  });

  test("shuffle keeps every value and reaches every order equally often", () => {
    const random = new RandomSource(3, "orders");
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle([1, 2, 3]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(["123", "132", "213", "231", "312", "321"]);
    expect(Math.min(...counts.values())).toBeGreaterThan(850);
  });

  test.each([0.2, 0.8, 1, 3])("beta(%d) is symmetric, inside 0 to 1, with the variance of the formula", (alpha) => {
    const random = new RandomSource(5, `beta ${alpha}`);
    const values = draw(20_000, () => random.beta(alpha, alpha));
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(mean(values)).toBeCloseTo(0.5, 1);
    const variance = mean(values.map((value) => (value - 0.5) ** 2));
    expect(variance / (1 / (4 * (2 * alpha + 1)))).toBeCloseTo(1, 1);
  });

  test("choice and chance", () => {
    const random = new RandomSource(7);
    expect(new Set(draw(50, () => random.choice(["a", "b"])))).toEqual(new Set(["a", "b"]));
    expect(draw(50, () => random.chance(0))).not.toContain(true);
    expect(draw(50, () => random.chance(1))).not.toContain(false);
    expect(() => random.choice([])).toThrow("nothing to choose from");
  });
});
