import { expect, test } from "vitest";
import { chooseEpoch, compareEpochs, type OpenChoice, type PictureScores } from "./epoch-choice.ts";

/** Answers as text: "+" right, "-" wrong, "?" not read; a loss for each. */
const scores = (answers: string, losses: readonly number[]): PictureScores => ({
  right: Float32Array.from(answers, (answer) => ({ "+": 1, "-": 0 })[answer] ?? Number.NaN),
  losses: Float32Array.from(losses),
});
const same = (count: number, loss: number) => Array.from({ length: count }, (_, i) => loss + (i % 2) / 100);

/** Which epochs (from 1) are best and peak after all of these. */
function choose(...epochs: readonly PictureScores[]) {
  let open: OpenChoice | undefined;
  for (const [epoch, each] of epochs.entries()) {
    const read = [...each.right.keys()].filter((i) => !Number.isNaN(each.right[i]));
    const mean = (values: Float32Array) => read.reduce((sum, i) => sum + values[i]!, 0) / read.length;
    const summary = { epoch: epoch + 1, step: epoch, top1: mean(each.right), loss: mean(each.losses) };
    open = chooseEpoch(open, { ...summary, pictures: read.length }, each);
  }
  const { best, peak, last, comparison } = open!.choice;
  return { best: best.epoch, peak: peak.epoch, last: last.epoch, decidedBy: comparison?.decidedBy };
}

test("more than a standard error of accuracy decides, whatever the losses say", () => {
  const few = scores("++++------", same(10, 0.1));
  const more = scores("+++++++---", same(10, 5));
  expect(choose(few, more)).toEqual({ best: 2, peak: 2, last: 2, decidedBy: "top1" });
  expect(choose(more, few)).toEqual({ best: 1, peak: 1, last: 2, decidedBy: "top1" });
});

test("one answer more is no more than a standard error: losses decide", () => {
  const lucky = scores("+++++-----", same(10, 1));
  const surer = scores("++++------", same(10, 0.5));
  expect(choose(lucky, surer)).toEqual({ best: 2, peak: 2, last: 2, decidedBy: "loss" });
  expect(choose(surer, lucky)).toEqual({ best: 1, peak: 1, last: 2, decidedBy: "loss" });
});

test("answers that changed both ways cancel out", () => {
  const { top1, decidedBy } = compareEpochs(scores("++++----", same(8, 1)), scores("++--++--", same(8, 1)));
  expect(top1).toEqual({ difference: 0, standardError: 0.25 });
  expect(decidedBy).toBe("nothing");
});

test("pictures are compared with themselves: a small gain on each tells, though pictures differ much more", () => {
  const hard = [0.1, 4, 0.2, 6, 1, 3, 0.3, 5];
  const before = scores("+-+-+-+-", hard);
  const after = scores(
    "+-+-+-+-",
    hard.map((loss, i) => loss - 0.05 - 0.001 * i),
  );
  expect(choose(before, after).decidedBy).toBe("loss");
});

test("where nothing tells, the later epoch is kept", () => {
  const noisy = (seed: number) => [1 + seed, 1 - seed, 1 + seed, 1 - seed];
  const epochs = [scores("++--", noisy(0)), scores("++--", noisy(0.2)), scores("++--", noisy(-0.1))];
  expect(choose(...epochs)).toMatchObject({ best: 3, decidedBy: "nothing" });
  expect(choose(...epochs.slice(0, 1))).toEqual({ best: 1, peak: 1, last: 1, decidedBy: undefined });
});

test("a slow decline does not pass step by step: every epoch is measured against the best one", () => {
  const answers = "+".repeat(10) + "-".repeat(10);
  // Each epoch loses what cannot be told from the one before it; ten of them are plain.
  const epochs = Array.from({ length: 10 }, (_, epoch) =>
    scores(
      answers,
      Array.from(
        { length: 20 },
        (_, i) => 1 + 0.01 * epoch + 0.25 * Math.sin(7 * i + 3 * epoch) * (epoch === 0 ? 0 : 0.3),
      ),
    ),
  );
  const pairs = epochs.slice(1).map((epoch, i) => compareEpochs(epochs[i]!, epoch).better);
  expect(pairs).not.toContain("earlier");
  expect(choose(...epochs)).toMatchObject({ peak: 1, last: 10, decidedBy: "loss" });
  expect(choose(...epochs).best).toBeLessThan(10);
});

test("pictures that one of the epochs could not read do not count", () => {
  const before = scores("++??--", [1, 1, Number.NaN, Number.NaN, 1, 1]);
  const after = scores("+++-?-", [1, 1, 9, 9, Number.NaN, 1]);
  const { top1, loss } = compareEpochs(before, after);
  expect([top1.difference, loss.difference]).toEqual([0, 0]);
});

test("one picture, or none, tells nothing; losses that are not finite do not either", () => {
  expect(compareEpochs(scores("+", [1]), scores("+", [9])).decidedBy).toBe("nothing");
  expect(compareEpochs(scores("?", [Number.NaN]), scores("?", [Number.NaN])).decidedBy).toBe("nothing");
  const broken = scores("----", [Number.NaN, Number.POSITIVE_INFINITY, Number.NaN, Number.NaN]);
  expect(choose(scores("++++", [1, 1, 1, 1]), broken)).toMatchObject({ best: 1, decidedBy: "top1" });
});
