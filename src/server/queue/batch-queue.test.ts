// The queue on a clock of its own: batches by size and delay, priorities, deadlines, hanging up, bounds, draining.
import { expect, test } from "vitest";
import { AbortedError } from "../../errors.ts";
import { BatchQueue, type BatchQueueOptions, type Clock } from "./batch-queue.ts";

class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Map<() => void, number>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = () => callback();
    this.#timers.set(timer, this.#now + milliseconds);
    return () => this.#timers.delete(timer);
  }

  async pass(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    for (const [timer, at] of [...this.#timers]) {
      if (at > this.#now || !this.#timers.delete(timer)) continue;
      timer();
    }
    await settle();
  }
}

/** Lets all promises that can go on go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function makeQueue(options: Partial<BatchQueueOptions<number, string>> = {}) {
  const clock = new FakeClock();
  const runs: number[][] = [];
  const finish: (() => void)[] = [];
  const queue = new BatchQueue<number, string>({
    ...{ maxBatch: 3, maxDelayMs: 10, capacity: 6, lanes: 1, clock, joins: () => true },
    async run(batch) {
      runs.push([...batch]);
      await new Promise<void>((resolve) => finish.push(resolve));
      return batch.map((item) => (item < 0 ? new RangeError("negative") : `answer ${item}`));
    },
    ...options,
  });
  const finishRun = async () => {
    finish.shift()!();
    await settle();
  };
  return { clock, queue, runs, finishRun };
}

const outcome = (promise: Promise<{ answer: string }>) =>
  promise.then(
    ({ answer }) => answer,
    (error: Error & { code?: string }) => error.code ?? error.name,
  );

test("a full batch runs at once, others wait for the delay", async () => {
  const { clock, queue, runs, finishRun } = makeQueue();
  const answers = [1, 2, 3].map((item) => outcome(queue.submit(item)));
  expect(runs).toEqual([[1, 2, 3]]);
  await finishRun();
  expect(await Promise.all(answers)).toEqual(["answer 1", "answer 2", "answer 3"]);
  const alone = queue.submit(4);
  await clock.pass(9);
  expect(runs).toHaveLength(1);
  await clock.pass(1);
  expect(runs[1]).toEqual([4]);
  await clock.pass(5);
  await finishRun();
  expect(await alone).toMatchObject({ waitedMs: 10, runMs: 5, batchSize: 1 });
});

test("what came while a batch ran goes into the next without waiting any longer", async () => {
  const { clock, queue, runs, finishRun } = makeQueue({ maxDelayMs: 0 });
  void queue.submit(1);
  for (const item of [2, 3, 4, 5]) void queue.submit(item);
  expect(runs).toEqual([[1]]);
  await clock.pass(3);
  await finishRun();
  expect(runs).toEqual([[1], [2, 3, 4]]);
  await finishRun();
  expect(runs[2]).toEqual([5]);
});

test("online goes first, and offline fills up what is left of a batch", async () => {
  const { queue, runs, finishRun } = makeQueue({ maxDelayMs: 0 });
  void queue.submit(0);
  for (const item of [10, 11, 12]) void queue.submit(item, { priority: "offline" });
  for (const item of [1, 2]) void queue.submit(item);
  await finishRun();
  expect(runs[1]).toEqual([1, 2, 10]);
  await finishRun();
  expect(runs[2]).toEqual([11, 12]);
});

test("a batch is of what goes together; the others keep their order", async () => {
  const { queue, runs, finishRun } = makeQueue({ joins: ([first], next) => first! % 2 === next % 2, maxDelayMs: 0 });
  for (const item of [1, 2, 3, 4, 5]) void queue.submit(item);
  expect(runs).toEqual([[1]]);
  await finishRun();
  expect(runs[1]).toEqual([2, 4]);
  await finishRun();
  expect(runs[2]).toEqual([3, 5]);
});

test("what is too late is dropped before it is computed", async () => {
  const { clock, queue, runs, finishRun } = makeQueue({ maxDelayMs: 0 });
  void queue.submit(1);
  const late = outcome(queue.submit(2, { deadline: 20 }));
  const early = outcome(queue.submit(3, { deadline: 30 }));
  await clock.pass(25);
  expect(await late).toBe("deadline"); // while the first one still runs
  await finishRun();
  expect(runs[1]).toEqual([3]);
  await finishRun();
  expect(await early).toBe("answer 3");
});

test("whoever hangs up is taken out; a batch that has begun finishes", async () => {
  const { queue, runs, finishRun } = makeQueue({ maxDelayMs: 0 });
  const leaving = new AbortController();
  const gone = new AbortController();
  const first = outcome(queue.submit(1, { signal: gone.signal }));
  const second = outcome(queue.submit(2, { signal: leaving.signal }));
  leaving.abort();
  gone.abort();
  expect(await second).toBe("aborted");
  expect(queue.waiting).toBe(0);
  await finishRun();
  expect(await first).toBe("answer 1");
  expect(runs).toEqual([[1]]);
  await expect(queue.submit(3, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
});

test("it is bounded, places that are kept included", async () => {
  const { queue } = makeQueue({ capacity: 2, maxDelayMs: 0 });
  void queue.submit(0); // runs
  const place = queue.reserve();
  void queue.submit(1);
  expect(queue.fullness).toBe(1);
  expect(await outcome(queue.submit(2))).toBe("overloaded");
  expect(() => queue.reserve()).toThrow(/2 pictures wait/);
  place.release();
  place.release(); // once is enough
  expect(queue.waiting).toBe(1);
});

test("one failure is one item's; a run that fails is all of them's, and the next one goes on", async () => {
  const { queue, runs, finishRun } = makeQueue({ maxDelayMs: 0 });
  const first = outcome(queue.submit(-1));
  await finishRun();
  expect(await first).toBe("RangeError");
  let isBroken = true;
  const broken = makeQueue({
    maxDelayMs: 0,
    run: async (batch) => {
      if (isBroken) throw new TypeError("broken");
      return batch.map(String);
    },
  });
  expect(await outcome(broken.queue.submit(1))).toBe("TypeError");
  isBroken = false;
  expect(await outcome(broken.queue.submit(2))).toBe("2");
  expect(runs).toHaveLength(1);
});

test("draining takes nothing new, waits for no company, and ends when all is answered", async () => {
  const { queue, runs, finishRun } = makeQueue();
  const answer = outcome(queue.submit(1));
  const place = queue.reserve();
  let isDone = false;
  const drained = queue.drain().then(() => {
    isDone = true;
  });
  expect(runs).toEqual([[1]]);
  expect(await outcome(queue.submit(2))).toBe("draining");
  await finishRun();
  expect([await answer, isDone]).toEqual(["answer 1", false]);
  const kept = outcome(place.submit(3)); // it has its place
  expect(runs[1]).toEqual([3]);
  await finishRun();
  expect(await kept).toBe("answer 3");
  await drained;
});
