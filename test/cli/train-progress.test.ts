import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Terminal } from "../../src/cli/terminal.ts";
import {
  choiceLines,
  epochLine,
  LiveLine,
  measuredLines,
  memoryLine,
  nextLines,
  problemLines,
  shellWord,
  stepLine,
  teacherLine,
} from "../../src/cli/train-progress.ts";
import type { EpochSummary } from "../../src/train/epoch-choice.ts";
import type { FitReport } from "../../src/train/fit-options.ts";

const REPORT: FitReport = {
  epoch: 2,
  epochs: 24,
  batch: 120,
  batchesPerEpoch: 344,
  step: 808,
  totalSteps: 8256,
  batchSize: 64,
  loss: 2.3456,
  accuracy: 0.4567,
  learningRate: 1e-3,
  imagesPerSecond: 211.4,
  waitShare: 0.034,
  secondsLeft: 3725,
};
const LONGEST: FitReport = {
  ...REPORT,
  epoch: 299,
  epochs: 300,
  batch: 19999,
  batchesPerEpoch: 20000,
  loss: 12.3456,
  accuracy: 1,
  imagesPerSecond: 12345.6,
  waitShare: 1,
  secondsLeft: 3.6e6,
};

test("what finds places says how well, and which epoch is kept", () => {
  const ap = { measure: "AP", value: 0.263, numbers: { ap: 0.263, ap50: 0.535, found: 0.5 }, pictures: 400 };
  expect(epochLine(2, 24, 10, REPORT, ap, 110)).toBe(
    "epoch 3/24  loss 2.346  AP 26.3 %  AP50 53.5 %  of 400 pictures  211 images/s  waited 3 %",
  );
  expect(epochLine(2, 24, 10, REPORT, ap, 80)).toBe(
    "epoch 3/24  loss 2.346  AP 26.3 %  AP50 53.5 %  211 images/s  waited 3 %",
  );
  expect(epochLine(2, 24, 10, undefined, { ...ap, value: undefined, numbers: {} }, 80)).toBe(
    "epoch 3/24  AP: there was nothing to be found  of 400 pictures",
  );
  const best = { epoch: 2, step: 30, measure: "AP", value: 0.263, pictures: 400 };
  expect(measuredLines({ best, last: best })).toEqual([
    "best: epoch 3, AP 26.3 % on 400 validation pictures, the last that was measured",
  ]);
  expect(measuredLines({ best, last: { ...best, epoch: 5, value: 0.25 } })).toEqual([
    "best: epoch 3, AP 26.3 % on 400 validation pictures",
    "use best/, not last/: epoch 6 has AP 25.0 %",
  ]);
});

test("the line of a step: everything that matters, in fewer columns than the terminal has", () => {
  expect(stepLine(REPORT, 120)).toBe(
    "epoch 3/24  120/344  loss 2.346  acc 45.7 %  211 images/s  waited 3 %  1 h 2 min left",
  );
  for (const report of [REPORT, LONGEST])
    for (const columns of [100, 80, 60, 50]) {
      const line = stepLine(report, columns);
      expect(line.length, line).toBeLessThan(columns);
      expect(line).toMatch(/^epoch \d+\/\d+ .*loss .* left$/);
    }
  // The share of waiting survives at 80 columns, accuracy of mixed pictures goes first.
  expect(stepLine(REPORT, 80)).toContain("waited 3 %");
  expect(stepLine(REPORT, 80)).not.toContain("acc");
});

test("the line of an epoch fits 80 columns, and a teacher's too", () => {
  const evaluation = { loss: 1.234, top1: 0.654, top5: 0.876, pictures: 50 };
  expect(epochLine(2, 24, 10, REPORT, evaluation, 110)).toBe(
    "epoch 3/24  loss 2.346  val 1.234  top-1 65.4 %  top-5 87.6 %  211 images/s  waited 3 %",
  );
  expect(epochLine(2, 24, 10, REPORT, evaluation, 80)).toBe(
    "epoch 3/24  loss 2.346  val 1.234  top-1 65.4 %  top-5 87.6 %  waited 3 %",
  );
  expect(epochLine(299, 300, 10, LONGEST, { loss: 12.34, top1: 1, top5: 1, pictures: 50 }, 80).length).toBeLessThan(80);
  expect(epochLine(2, 24, 10, undefined, evaluation, 80)).toBe("epoch 3/24  val 1.234  top-1 65.4 %  top-5 87.6 %");
  // Of five classes, the label is always among the first five.
  expect(epochLine(2, 24, 5, undefined, evaluation, 80)).toBe("epoch 3/24  val 1.234  top-1 65.4 %");
  expect(epochLine(2, 24, 10, REPORT, undefined, 80)).toBe("epoch 3/24  loss 2.346  211 images/s  waited 3 %");
  expect(teacherLine(1_000_000, 1_281_167, 36_000).length).toBeLessThan(80);
});

const epoch = (number: number, top1: number, loss: number): EpochSummary => ({
  epoch: number - 1,
  step: 4 * number,
  top1,
  loss,
  pictures: 20,
});
const NO_DIFFERENCE = { difference: 0, standardError: 0.1 };

test("the end of a run: which epoch, with its interval, how sure, and which of the two models to use", () => {
  const [early, late] = [epoch(4, 0.8, 0.7), epoch(12, 0.75, 0.6)];
  const kept = "best/ and last/ are the same model";
  expect(choiceLines(undefined)).toEqual([]);
  expect(choiceLines({ best: late, peak: late, last: late })).toEqual([
    "best: epoch 12, top-1 75.0 % of 20 validation pictures (95 % interval 53 to 89 %)",
    `there is no other epoch: ${kept}`,
  ]);
  const comparison = { top1: NO_DIFFERENCE, loss: NO_DIFFERENCE, decidedBy: "nothing", better: undefined } as const;
  expect(choiceLines({ best: late, peak: late, last: late, comparison })[1]).toBe(
    `20 validation pictures cannot tell it from the epochs before it, and it learnt longer: ${kept}`,
  );
  const lower = { difference: -0.08, standardError: 0.05 };
  expect(
    choiceLines({
      best: late,
      peak: late,
      last: late,
      comparison: { ...comparison, loss: lower, decidedBy: "loss", better: "later" },
    })[1],
  ).toBe(
    `it is better than the best epoch before it by 0.080 of loss, 1.6 standard errors, which may be chance: ${kept}`,
  );
  expect(choiceLines({ best: late, peak: early, last: late, comparison })[1]).toBe(
    `20 validation pictures cannot tell it from epoch 4 (top-1 80.0 %, loss 0.700), so the one that learnt longer is kept: ${kept}`,
  );
  const worse = (difference: number, by: "top1" | "loss") =>
    choiceLines({
      best: early,
      peak: early,
      last: late,
      comparison: { ...comparison, [by]: { difference, standardError: 0.1 }, decidedBy: by, better: "earlier" },
    })[1];
  expect(worse(-0.3, "top1")).toBe(
    "use best/, not last/: epoch 12 (top-1 75.0 %, loss 0.600) is worse than epoch 4 by 30.0 points of top-1, 3.0 standard errors",
  );
  expect(worse(0.15, "loss")).toMatch(/ by 0\.150 of loss, 1\.5 standard errors, which may be chance$/);
  expect(
    choiceLines({
      best: epoch(6, 0.8, 0.71),
      peak: early,
      last: late,
      comparison: {
        ...comparison,
        loss: { difference: 0.3, standardError: 0.1 },
        decidedBy: "loss",
        better: "earlier",
      },
    })[1],
  ).toMatch(/, and epoch 6 cannot be told from that$/);
});

test("what to do with the model, as a shell takes it", () => {
  expect(
    nextLines({
      model: "my runs/best",
      data: "it's data",
      choice: { best: epoch(1, 1, 1), peak: epoch(1, 1, 1), last: epoch(1, 1, 1) },
    }),
  ).toEqual([
    "try it: saccade classify PICTURE --model 'my runs/best'",
    "see what it gets wrong: saccade eval 'my runs/best' 'it'\\''s data' --split validation --report report.html",
  ]);
  const next = (annotations?: Parameters<typeof nextLines>[1]) =>
    nextLines({ model: "runs/best", data: "data" }, annotations)[0];
  expect(nextLines({ model: "runs/best", data: "data" })).toHaveLength(1);
  expect(next()).toBe("try it: saccade classify PICTURE --model runs/best");
  expect(next({})).toBe("try it: saccade detect PICTURE --model runs/best");
  expect(next({ masks: {} })).toBe("try it: saccade segment PICTURE --model runs/best");
  expect(next({ semantic: {} })).toBe("try it: saccade segment PICTURE --model runs/best");
});

test("many problems are not all listed", () => {
  const problems = Array.from({ length: 23 }, (_, i) => ({ name: `${i}.jpg`, reason: "it is damaged" }));
  const lines = problemLines(problems);
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe("left out: 3 more");
  expect(problemLines(problems.slice(0, 1))).toEqual(["left out: 0.jpg: it is damaged"]);
});

test("paths that a shell would split are quoted", () => {
  const unix = (path: string) => shellWord(path, false);
  expect([unix("runs/mine-2"), unix("my runs/a"), unix("it's $HOME")]).toEqual([
    "runs/mine-2",
    "'my runs/a'",
    "'it'\\''s $HOME'",
  ]);
  const windows = (path: string) => shellWord(path, true);
  expect([windows("runs\\mine"), windows("my runs\\a")]).toEqual(["runs\\mine", '"my runs\\a"']);
});

function recorder(interactive: boolean) {
  const notes: string[] = [];
  const statuses: string[] = [];
  const terminal: Terminal = {
    out: () => undefined,
    note: (line) => notes.push(line),
    status: (line) => statuses.push(line),
    outputClosed: false,
    columns: 80,
    interactive,
    readInput: async () => new Uint8Array(0),
    signal: new AbortController().signal,
  };
  return { terminal, notes, statuses };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a log gets a line every half minute, whatever the run is busy with", () => {
  const { terminal, notes, statuses } = recorder(false);
  const live = new LiveLine(terminal);
  vi.advanceTimersByTime(40_000);
  expect(notes).toEqual([]);
  live.show("teacher: 10 of 100 pictures");
  vi.advanceTimersByTime(30_000);
  for (let i = 0; i < 100; i++) live.show(`step ${i}`);
  vi.advanceTimersByTime(65_000);
  expect(notes).toEqual(["teacher: 10 of 100 pictures", "step 99", "step 99"]);
  live.end();
  vi.advanceTimersByTime(100_000);
  expect([notes.length, statuses]).toEqual([3, []]);
});

test("on a terminal the line is replaced, ten times a second at most, and never wraps", () => {
  const { terminal, notes, statuses } = recorder(true);
  const live = new LiveLine(terminal);
  for (let i = 0; i < 10; i++) live.show(`step ${i}`);
  vi.advanceTimersByTime(100);
  live.show("x".repeat(200));
  live.end();
  expect(notes).toEqual([]);
  expect(statuses).toEqual(["step 0", "x".repeat(79), ""]);
});

test("memory: a bound, and a warning where the machine has less", () => {
  expect(memoryLine(1.8e7, 8e9)).toBe("a step takes up to 18 MB of memory");
  expect(memoryLine(7.25e8, 8e9)).toBe("a step takes up to 0.7 GB of memory");
  expect(memoryLine(1.24e10, 8e9)).toBe(
    'a step takes up to 12 GB of memory, and this machine has 8.0 GB: halve --batch, and give the recipe "accumulate": 2',
  );
});
