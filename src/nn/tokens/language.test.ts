import fc from "fast-check";
import { expect, test } from "vitest";
import { parseReduction, printReduction, type ReductionText } from "./language.ts";

const number = fc.oneof(
  fc.nat(5000),
  fc.double({ min: 0, max: 1e6, noNaN: true }).map((value) => value + 0),
);
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const amount = fc.oneof(
  fc.record({ kind: fc.constant("number" as const), value: number }),
  fc.record({ kind: fc.constant("range" as const), from: number, to: number }),
  fc.record({ kind: fc.constant("grid" as const), height: number, width: number }),
);
const reduction = fc.record(
  {
    verb: fc.stringMatching(/^[a-z]{1,9}$/),
    amount,
    blocks: fc.uniqueArray(fc.nat(9999), { minLength: 1, maxLength: 6 }).map((blocks) => blocks.sort((a, b) => a - b)),
    system: word,
    options: fc
      .uniqueArray(fc.tuple(word, fc.oneof(number, word, fc.constant(true as const))), {
        selector: ([name]) => name,
        maxLength: 3,
      })
      .map((entries) => new Map<string, number | string | true>(entries)),
  },
  { requiredKeys: ["verb", "system", "options"] },
);

test("what is printed is read as the same, and printed once and for all", () => {
  fc.assert(
    fc.property(reduction, (value) => {
      const text = printReduction(value as ReductionText);
      if (text.length > 200) return;
      const again = parseReduction(text);
      expect(again).toEqual(value);
      expect(printReduction(again)).toBe(text);
    }),
  );
});

test("any text is read, or refused with a reason", () => {
  const shreds = fc.array(
    fc.constantFrom("keep", "=", "0.7", "@", "3,6", ":", "evit", "+", "tau", "..", "x", "1e9", "-", " "),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        shreds.map((parts) => parts.join("")),
        fc.string(),
      ),
      (text) => {
        try {
          parseReduction(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "usage", message: expect.stringMatching(/^tokens "/) });
        }
      },
    ),
  );
});

test("one spelling of many", () => {
  const canonical = (text: string) => printReduction(parseReduction(text));
  expect(canonical(" keep=.70@9,3,6:evit ")).toBe("keep=0.7@3,6,9:evit");
  expect(canonical("merge=13..0:tome+noprop")).toBe("merge=13..0:tome+noprop");
  expect(canonical("cluster=28x28@10:expedit+tau=0.020+k=20")).toBe("cluster=28x28@10:expedit+k=20+tau=0.02");
  expect(canonical("policy@8,0,4:ia-red2")).toBe("policy@0,4,8:ia-red2");
});

test.each([
  ["evit", "not a way to reduce tokens"],
  ["", "not a way to reduce tokens"],
  ["cluster=4x4@2", "it names no system"],
  ["keep=0.7@3+x", "it names no system"],
  ["keep=:evit", '"" is not a number'],
  ["keep=-0.7@3:evit", '"-0.7" is not a number'],
  ["keep=70%@3:evit", '"70%" is not a number'],
  ["keep=0.7@3,3:evit", "block 3 is named twice"],
  ["keep=0.7@-1:evit", '"-1" is no block'],
  ["keep=0.7@:evit", '"" is no block'],
  ["merge=3..2..1:tome", "not a range"],
  ["cluster=28x28x28@3:expedit", "not a grid"],
  ["merge=13:tome+", '"" is not an option'],
  ["merge=13:tome+noprop+noprop", "given twice"],
  ["x".repeat(100_000), "not a way to reduce tokens"],
])("%.40s is refused", (text, reason) => {
  expect(() => parseReduction(text)).toThrow(reason);
});
