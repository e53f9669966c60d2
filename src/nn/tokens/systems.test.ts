// What is refused before anything is built, and in which words.
import { describe, expect, test } from "vitest";
import { parseReduction } from "./language.ts";
import type { TokenModel } from "./system.ts";
import { canonicalReduction, planReduction, TOKEN_SYSTEMS } from "./systems.ts";

const MODEL: TokenModel = {
  blocks: 12,
  special: 1,
  grid: { height: 14, width: 14 },
  width: 384,
  heads: 6,
  layout: "sequence",
};

test.each([...TOKEN_SYSTEMS])(
  "%s has an example that is read, printed and planned",
  (name, { verb, example, layouts }) => {
    expect(canonicalReduction(example)).toBe(example);
    expect(parseReduction(example)).toMatchObject({ verb, system: name });
    const model = { ...MODEL, blocks: 24, layout: layouts[0]!, grid: { height: 40, width: 40 } };
    expect(planReduction(example, model).steps.size).toBeGreaterThanOrEqual(0);
  },
);

describe("is refused in one sentence", () => {
  test.each([
    [
      "keep=0.7@3:evitt",
      /^tokens "keep=0.7@3:evitt": tokens of this model are not reduced by evitt$/,
      /did you mean evit\?/,
    ],
    ["keep=0@3:evit", /a share of 0 leaves nothing/, /over 0, at most 1/],
    ["keep=1.2@3:evit", /1.2 is more than all tokens/, /over 0, at most 1/],
    ["keep@3:evit", /needs the share of tokens that stays/, /keep=0.7/],
    ["keep=0.7..0.5@3:evit", /needs the share of tokens that stays/, /keep=0.7/],
    ["keep=0.7:evit", /does not say at which blocks/, /@3,6,9:evit/],
    ["keep=0.7@3,12:evit", /there is no block 12/, /blocks 0 to 11/],
    ["merge=13:evit", /evit does not merge 13, it does keep/, /keep=0.7@3,6,9:evit/],
    ["keep=0.7@3:tome", /tome does not keep 0.7, it does merge/, /merge=13:tome/],
    ["merge=1.5:tome", /needs the number of pairs/, /merge=13/],
    ["merge:tome", /needs the number of pairs/, /merge=13/],
    ["merge=0:tome", /no pairs to merge/, /without/],
    ["merge=13@40:tome", /there is no block 40/, /blocks 0 to 11/],
    ["merge=13:tome+noprob", /tome has no option noprob/, /did you mean noprop\?/],
    ["merge=13:tome+noprop=1", /option noprop takes no value/, undefined],
    ["transform=0.7@3:transforming+tau=0", /tau must be a number from 0.000001 to 1000000/, /tau=0.01/],
    ["transform=0.7@3:transforming+tau=soft", /tau must be a number/, /tau=0.01/],
    ["transform=0.7@3:transforming+tau=1e-300", /tau must be a number from/, /tau=0.01/],
    ["cluster=4x4@3:expedit+tau=1e300", /tau must be a number from 0 to 1000/, /tau=0.01/],
    ["stop=0.9:dtop", /tokens of this model are not reduced by dtop/, /there are prune,/],
    ["keep=0.7@3:prune+tau=1", /prune has no option tau/, /it has none/],
  ])("%s", (text, message, hint) => {
    let caught: unknown;
    try {
      planReduction(text, MODEL);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code: "usage", message: expect.stringMatching(message) });
    if (hint !== undefined) expect(caught).toMatchObject({ hint: expect.stringMatching(hint) });
  });

  test("what leaves no grid, for attention that works in windows of one", () => {
    expect(() => planReduction("merge=13:tome", { ...MODEL, layout: "windows" })).toThrow(/windows/);
  });
});
