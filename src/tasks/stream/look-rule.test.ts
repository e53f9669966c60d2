import { expect, test } from "vitest";
import { LookRule } from "./look-rule.ts";

/** A thumbnail of one grey. */
const grey = (share: number) => new Float32Array(16 * 16 * 3).fill(255 * share);

/** Frames 40 ms apart, all of them grey; answers half sure. Everything chosen is done. */
function chosen(rule: LookRule, shares: readonly number[], { canStep = false, confidence = 0.5 } = {}): string[] {
  return shares.map((share, i) => {
    const { kind, reason } = rule.choose(grey(share), i * 0.04, confidence, canStep);
    if (kind !== "kept") rule.looked(kind);
    return `${kind} ${reason}`;
  });
}

test("the first frame is looked at, and no other while nothing changes", () => {
  expect(chosen(new LookRule(), [0.5, 0.5, 0.51, 0.5])).toEqual([
    "full first",
    "kept still",
    "kept still",
    "kept still",
  ]);
});

test("small changes add up until they are enough; another scene is another one", () => {
  const shares = [0.5, 0.52, 0.54, 0.56, 0.585, 0.6, 0.9];
  const kinds = chosen(new LookRule(), shares);
  expect(kinds.slice(0, 4).every((kind, i) => kind.startsWith(i === 0 ? "full" : "kept"))).toBe(true);
  expect(kinds.slice(4)).toEqual(["full changed", "kept still", "full cut"]);
});

test("a sure answer stands longer than an unsure one", () => {
  const at = (confidence: number) => chosen(new LookRule(), [0.5, 0.58], { confidence })[1];
  expect(at(0.2)).toBe("full changed");
  expect(at(0.9)).toBe("kept still");
});

test("what has moved is looked at when it comes to rest", () => {
  expect(chosen(new LookRule(), [0.5, 0.53, 0.56, 0.56, 0.56])).toEqual([
    "full first",
    "kept still",
    "kept still",
    "full rest",
    "kept still",
  ]);
});

test("a look is due after a while, and when the clock began again", () => {
  const rule = new LookRule({ everyMs: 1000 });
  const at = (seconds: number) => {
    const choice = rule.choose(grey(0.5), seconds, 0.5);
    if (choice.kind === "full") rule.looked("full");
    return choice.reason;
  };
  expect([at(10), at(10.9), at(11), at(11.1), at(0)]).toEqual(["first", "still", "due", "still", "due"]);
});

test("steps come where a look would not be worth it yet, and put looks off", () => {
  const shares = [0.5, 0.56, 0.575, 0.62, 0.68];
  expect(chosen(new LookRule(), shares, { canStep: true })).toEqual([
    "full first",
    "step moving",
    "kept still",
    "step moving",
    "full cut",
  ]);
});

test("always is at every frame", () => {
  expect(chosen(new LookRule({ always: true }), [0.5, 0.5])).toEqual(["full first", "full always"]);
});

test("forgetting begins anew", () => {
  const rule = new LookRule();
  chosen(rule, [0.5, 0.5]);
  rule.forget();
  expect(rule.choose(grey(0.5), 1, 0.5).reason).toBe("first");
});

test("options that make no sense are refused", () => {
  for (const options of [{ changed: 0 }, { changed: 2 }, { cut: Number.NaN }, { everyMs: 0 }])
    expect(() => new LookRule(options)).toThrow(/must be more than 0/);
});
