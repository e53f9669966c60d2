import { expect, test } from "vitest";
import { describeLoad, judgeLoad, loadBetween } from "./load.ts";

const at = (wallMs: number, processMs: number, machineMs: number | undefined) => ({ wallMs, processMs, machineMs });

test("what the machine did beyond this process, as a share of all of its cores", () => {
  // One second on four cores: this process had 1.5 cores, all together 2.3.
  expect(loadBetween(at(100, 10, 5000), at(1100, 1510, 7300), 4)).toEqual({ others: 0.2, processCores: 1.5 });
});

test("ticks that come late do not make other work negative, nor more than everything", () => {
  expect(loadBetween(at(0, 0, 0), at(1000, 1000, 990), 2).others).toBe(0);
  expect(loadBetween(at(0, 0, 0), at(1000, 0, 5000), 2).others).toBe(1);
});

test("where nobody counts, or counters stand still, nothing is claimed", () => {
  expect(loadBetween(at(0, 0, undefined), at(1000, 1900, undefined), 2)).toEqual({
    others: undefined,
    processCores: 1.9,
  });
  expect(loadBetween(at(0, 0, 42), at(1000, 1900, 42), 2).others).toBeUndefined();
});

const rounds = (...others: (number | undefined)[]) => others.map((share) => ({ others: share, processCores: 2 }));

test("disturbed rounds are left out as long as enough quiet ones are left", () => {
  const some = judgeLoad(rounds(0.02, 0.5, 0.04, 0, 0.02, 0.9, 0.02));
  expect(some).toEqual({ used: [0, 2, 3, 4, 6], others: expect.closeTo(0.02), processCores: 2, isQuiet: true });
  expect(describeLoad(some, 7)).toEqual([
    "2 of 7 rounds are left out: other work took over 10 % of the machine, and 2 % in the others.",
  ]);
});

test("too few quiet rounds: all are used, and nobody is to quote them", () => {
  const busy = judgeLoad(rounds(0.02, 0.5, 0.6, 0.28));
  expect(busy.used).toEqual([0, 1, 2, 3]);
  expect(busy.isQuiet).toBe(false);
  expect(describeLoad(busy, 4)).toEqual(["Other work took 35 % of the machine: do not quote these numbers."]);
});

test("quiet throughout: nothing to say; unknown: said, and not taken for quiet", () => {
  const quiet = judgeLoad(rounds(0, 0.01, 0.02));
  expect([quiet.isQuiet, describeLoad(quiet, 3)]).toEqual([true, []]);
  const unknown = judgeLoad(rounds(undefined, undefined, undefined));
  expect(unknown).toMatchObject({ used: [0, 1, 2], others: undefined, isQuiet: false });
  expect(describeLoad(unknown, 3)[0]).toContain("not known here");
});
