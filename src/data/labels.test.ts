import fc from "fast-check";
import { expect, test } from "vitest";
import { labelKey, labelsOfFolders, matchNames, sameLabels } from "./labels.ts";

test("folders are labels as they are, composed where that keeps them apart", () => {
  expect(labelsOfFolders(["A", "A-", "t-shirt", "cafe\u0301"])).toEqual(["A", "A-", "t-shirt", "caf\u00e9"]);
  expect(labelsOfFolders(["cafe\u0301", "caf\u00e9"])).toEqual(["cafe\u0301", "caf\u00e9"]);
});

test("spellings that are alike, and those that are not", () => {
  expect(["Guinea-Pig", "guinea_pig", " guinea  pig"].map(labelKey)).toEqual(Array(3).fill("guinea pig"));
  expect(labelKey("maillot (tank suit)")).toBe(labelKey("maillot, tank suit"));
  expect(new Set(["30", "-30", "A", "A-", "_", "-", "3 0"].map(labelKey)).size).toBe(7);
  expect(sameLabels(["t shirt", "Hat"], ["t-shirt", "hat"])).toBe(true);
  expect(sameLabels(["hat", "t shirt"], ["t-shirt", "hat"])).toBe(false);
  expect(sameLabels(["hat"], ["hat", "coat"])).toBe(false);
});

test("no two labels are found as one, whatever they are, and each finds itself", () => {
  const label = fc.oneof(
    fc.array(fc.constantFrom("a", "B", "b", "-", "_", " ", ", ", "(", ")"), { minLength: 1, maxLength: 5 }),
    fc.array(fc.constantFrom("e", "\u0301", "\u00e9", "E"), { minLength: 1, maxLength: 3 }),
  );
  const labels = fc.uniqueArray(
    label.map((parts) => parts.join("")),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(labels, labels, (wanted, known) => {
      const { indices, ambiguous } = matchNames(wanted, known);
      const found = indices.filter((index) => index !== -1);
      expect(new Set(found).size).toBe(found.length);
      for (const group of ambiguous) expect(group.wanted.length + group.known.length).toBeGreaterThan(2);
      for (const [i, name] of wanted.entries()) if (known.includes(name)) expect(known[indices[i]!]).toBe(name);
    }),
    { numRuns: 500 },
  );
});
