import { describe, expect, test } from "vitest";
import { SessionError } from "../errors.ts";
import { fastestOf, runRate } from "./layout-trial.ts";
import type { ActualDevice, Session } from "./session.ts";
import { describeLayout, openLayout, sessionLayouts } from "./session-layout.ts";

/** A session that only counts. */
function counting(threads: number, device: ActualDevice = "cpu") {
  const session = {
    device,
    inputs: [],
    outputs: [],
    threads,
    closed: false,
    runs: 0,
    run: async () => {
      session.runs++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      return {};
    },
    dispose: async () => {
      session.closed = true;
    },
  };
  return session satisfies Session;
}

test("threads are shared out so that none is left over, most sessions first", () => {
  const layouts = (threads: number, memoryBytes = Number.POSITIVE_INFINITY) =>
    sessionLayouts({ threads, sessionBytes: 100, memoryBytes }).map(describeLayout);
  expect(layouts(1)).toEqual(["1 x 1"]);
  expect(layouts(2)).toEqual(["2 x 1", "1 x 2"]);
  expect(layouts(12)).toEqual(["12 x 1", "6 x 2", "4 x 3", "3 x 4", "2 x 6", "1 x 12"]);
  expect(layouts(12, 450)).toEqual(["4 x 3", "3 x 4", "2 x 6", "1 x 12"]);
  expect(layouts(4, 10)).toEqual(["1 x 4"]); // one session is always tried
});

describe("opening", () => {
  test("as many sessions as the layout says, each with its threads, all of which run", async () => {
    const made: ReturnType<typeof counting>[] = [];
    const create = async (threads: number) => {
      made.push(counting(threads));
      return made.at(-1)!;
    };
    const { session, sessions } = await openLayout({ sessions: 3, threads: 2 }, create);
    expect([sessions, made.map(({ threads }) => threads)]).toEqual([3, [2, 2, 2]]);
    await Promise.all(Array.from({ length: 6 }, () => session.run({})));
    expect(made.map(({ runs }) => runs)).toEqual([2, 2, 2]);
    await session.dispose();
    expect(made.every(({ closed }) => closed)).toBe(true);
  });

  test("a GPU shares out its own work", async () => {
    const opened = await openLayout({ sessions: 3, threads: 1 }, async (threads) => counting(threads, "cuda"));
    expect(opened.sessions).toBe(1);
  });

  test("when one cannot be made, none is left", async () => {
    const made: ReturnType<typeof counting>[] = [];
    const create = async (threads: number) => {
      if (made.length === 2) throw new SessionError("no memory");
      made.push(counting(threads));
      return made.at(-1)!;
    };
    await expect(openLayout({ sessions: 3, threads: 1 }, create)).rejects.toThrow("no memory");
    expect(made.map(({ closed }) => closed)).toEqual([true, true]);
  });

  test("the model is not kept for sessions whose engine dies: the others go on", async () => {
    const made: ReturnType<typeof counting>[] = [];
    const create = async (threads: number) => {
      made.push(counting(threads));
      return made.at(-1)!;
    };
    const { session } = await openLayout({ sessions: 2, threads: 1 }, create);
    made[0]!.closed = true;
    await session.run({});
    expect([made.length, made[1]!.runs]).toEqual([2, 1]);
    made[1]!.closed = true;
    await expect(session.run({})).rejects.toThrow("no longer in memory");
  });
});

describe("trials", () => {
  /** Time passes only in runs. */
  function timed(milliseconds: readonly number[]) {
    let clock = 0;
    const candidates = milliseconds.map((ms) => {
      const run = async () => {
        clock += ms;
        return {};
      };
      return { session: { ...counting(1), run }, sessions: 1 };
    });
    return { candidates, trial: { feeds: () => ({}), outputs: [], now: () => clock } };
  }

  test("the fastest wins, but only if it is clearly faster than the first", async () => {
    const winner = (...milliseconds: number[]) => {
      const { candidates, trial } = timed(milliseconds);
      return fastestOf(candidates, trial);
    };
    expect(await winner(10, 20)).toBe(0);
    expect(await winner(10, 9.8)).toBe(0);
    expect(await winner(10, 9)).toBe(1);
    expect(await winner(10, 9, 5)).toBe(2);
  });

  test("rates count all runs, of which there is at least one", async () => {
    const { candidates, trial } = timed([50, 10_000]);
    expect(await runRate(candidates[0]!, trial)).toBe(20);
    expect(await runRate(candidates[1]!, trial)).toBe(0.1);
  });
});
