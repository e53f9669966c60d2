import { expect, test } from "vitest";
import { RandomSource } from "../../random.ts";
import { type Contender, type InterleaveOptions, interleave } from "./interleave.ts";

/** A clock that only contenders move, and what ran on it. */
class FakeMachine {
  wallMs = 0;
  processMs = 0;
  machineMs = 0;
  readonly ran: string[] = [];

  contender(name: string, runMs: number | (() => number), prepareMs = 0): Contender {
    return {
      prepare: () => {
        this.pass(prepareMs);
        return async () => {
          this.ran.push(name);
          this.pass(typeof runMs === "number" ? runMs : runMs());
        };
      },
    };
  }

  /** Time goes by, this process keeps both of two cores busy. */
  pass(ms: number): void {
    this.wallMs += ms;
    this.processMs += 2 * ms;
    this.machineMs += 2 * ms;
  }

  options(options: Partial<InterleaveOptions> = {}): InterleaveOptions {
    return {
      rounds: 4,
      seconds: 1000,
      random: new RandomSource(1, "test"),
      now: () => this.wallMs,
      readLoad: () => ({ wallMs: this.wallMs, processMs: this.processMs, machineMs: this.machineMs }),
      cores: 2,
      ...options,
    };
  }
}

test("each contender has one time a round, without what preparing took", async () => {
  const machine = new FakeMachine();
  const contenders = [machine.contender("a", 300, 50), machine.contender("b", 20, 7)];
  const { times, loads, failures, stopped } = await interleave(contenders, machine.options());
  expect(times).toEqual([
    [300, 300, 300, 300],
    [20, 20, 20, 20],
  ]);
  expect(loads).toEqual(new Array(4).fill({ others: 0, processCores: expect.closeTo(2) }));
  expect([failures, stopped]).toEqual([[undefined, undefined], false]);
});

test("rounds go around all, in orders that change and that the seed decides", async () => {
  const orders = async (seed: number) => {
    const machine = new FakeMachine();
    const contenders = ["a", "b", "c", "d"].map((name) => machine.contender(name, 300));
    await interleave(contenders, machine.options({ rounds: 6, random: new RandomSource(seed, "test") }));
    const text = machine.ran.slice(8).join(""); // the warm-up runs each twice
    return Array.from({ length: 6 }, (_, i) => text.slice(4 * i, 4 * i + 4));
  };
  const first = await orders(1);
  for (const order of first) expect([...order].sort().join("")).toBe("abcd");
  expect(new Set(first).size).toBeGreaterThan(3);
  expect(await orders(1)).toEqual(first);
  expect(await orders(2)).not.toEqual(first);
});

test("short runs are repeated within a turn, after one that does not count, and their median is the turn's time", async () => {
  const machine = new FakeMachine();
  let run = 0;
  // 40 ms when its weights are cold, then 20, 20, 20 with a hiccup.
  const times = [20, 20, 40, 20, 20, 90, 40, 20, 20, 20, 40, 20, 80, 20];
  const short = machine.contender("short", () => times[run++]!);
  const measured = await interleave([short], machine.options({ rounds: 3 }));
  expect(run).toBe(14); // two to warm up, then three turns of one and three
  expect(measured.times).toEqual([[20, 20, 20]]);
});

test("long runs are not repeated", async () => {
  const machine = new FakeMachine();
  await interleave([machine.contender("long", 5000)], machine.options({ rounds: 3 }));
  expect(machine.ran).toHaveLength(1 + 3);
});

test("time runs out, but not before three rounds", async () => {
  const machine = new FakeMachine();
  const contenders = [machine.contender("a", 400)];
  const enough = await interleave(contenders, machine.options({ rounds: 1000, seconds: 4 }));
  expect(enough.loads).toHaveLength(10);
  const short = await interleave(contenders, machine.options({ rounds: 1000, seconds: 0.1 }));
  expect(short.loads).toHaveLength(3);
});

test("one that fails is out, with its reason; the others go on", async () => {
  const machine = new FakeMachine();
  let runs = 0;
  const failing = machine.contender("failing", () => {
    if (++runs === 4) throw new Error("out of memory");
    return 300;
  });
  const { times, failures, loads } = await interleave([failing, machine.contender("b", 300)], machine.options());
  expect(times).toEqual([[], [300, 300, 300, 300]]);
  expect(failures[0]?.message).toBe("out of memory");
  expect(loads).toHaveLength(4);
  const alone = await interleave([machine.contender("b", () => broken())], machine.options());
  expect(alone.times).toEqual([[]]);
});

function broken(): never {
  throw new TypeError("broken");
}

test("an abort drops the round under way and keeps the whole ones", async () => {
  const machine = new FakeMachine();
  const stopping = new AbortController();
  const b = machine.contender("b", () => {
    if (machine.ran.filter((name) => name === "b").length === 2 + 3) stopping.abort();
    return 300;
  });
  const contenders = [machine.contender("a", 300), b, machine.contender("c", 300)];
  const { times, stopped } = await interleave(contenders, machine.options({ rounds: 50, signal: stopping.signal }));
  expect(stopped).toBe(true);
  expect(new Set(times.map((list) => list.length)).size).toBe(1);
  expect([2, 3]).toContain(times[0]!.length); // three when b happened to be the last of its round
  const atOnce = await interleave(contenders, machine.options({ signal: AbortSignal.abort() }));
  expect(atOnce).toMatchObject({ times: [[], [], []], loads: [], stopped: true });
});

test("progress tells the stage and never goes back", async () => {
  const machine = new FakeMachine();
  const seen: { stage: string; done: number }[] = [];
  const contenders = [machine.contender("a", 300), machine.contender("b", 300)];
  await interleave(contenders, machine.options({ onProgress: (progress) => seen.push(progress) }));
  for (const stage of ["warming up", "measuring"]) {
    const done = seen.filter((one) => one.stage === stage).map((one) => one.done);
    expect(done.length).toBeGreaterThan(1);
    expect(done).toEqual(done.toSorted((x, y) => x - y));
    expect(Math.max(...done)).toBeLessThanOrEqual(1);
  }
});
