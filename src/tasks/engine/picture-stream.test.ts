import { describe, expect, test } from "vitest";
import { AbortedError, ImageError, LimitError, SessionError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { type Answered, allAnswers, type BatchTask, type Reserve, streamAnswers } from "./picture-stream.ts";

/** Sources are widths; a negative one cannot be read. */
const picture = (width: number): RawImage => ({ width, height: 1, data: new Uint8Array(3 * width) });
const pause = (ms = 1) => new Promise((resolve) => setTimeout(resolve, ms));

interface Watch {
  batches: number[][];
  running: number;
  mostRunning: number;
}

function widths(task: Partial<BatchTask<RawImage, number, number>> = {}) {
  const watch: Watch = { batches: [], running: 0, mostRunning: 0 };
  const whole: BatchTask<RawImage, number, number> = {
    view: (pixels) => pixels,
    bytesOf: ({ data }) => data.byteLength,
    batchSize: 3,
    joins: () => true,
    lanes: 2,
    run: async (batch) => {
      watch.batches.push(batch.map(({ view }) => view.width));
      watch.mostRunning = Math.max(watch.mostRunning, ++watch.running);
      await pause(batch.length === 1 ? 8 : 1); // runs do not end in the order they began
      watch.running--;
      return batch.map(({ view }) => 2 * view.width);
    },
    ...task,
  };
  return { task: whole, watch };
}

async function read(width: number, reserve: Reserve): Promise<RawImage> {
  await pause(width % 5);
  if (width < 0) throw new ImageError(`cannot read ${width}`);
  await reserve(3 * width);
  return picture(width);
}

async function collect<A>(stream: AsyncIterable<Answered<number, A>>): Promise<(A | string)[]> {
  const all: (A | string)[] = [];
  for await (const { answer, error } of stream as AsyncIterable<{ answer?: A; error?: Error }>)
    all.push(error?.message ?? answer!);
  return all;
}

describe("many pictures", () => {
  test("are answered in their order, in batches that their order alone decides", async () => {
    const sources = [9, 3, 7, 1, 8, 2, 6, 4, 5, 10, 11];
    for (const lanes of [1, 2, 5]) {
      const { task, watch } = widths({ lanes });
      expect(await collect(streamAnswers(sources, read, task))).toEqual(sources.map((width) => 2 * width));
      expect(watch.batches).toEqual([
        [9, 3, 7],
        [1, 8, 2],
        [6, 4, 5],
        [10, 11],
      ]);
      expect(watch.mostRunning).toBeLessThanOrEqual(lanes);
    }
  });

  test("those that cannot be read have errors in their places, and leave no gaps in batches", async () => {
    const { task, watch } = widths();
    const answers = await collect(streamAnswers([-1, -2, 4, -3, 5, 6, 7, -4], read, task));
    expect(answers).toEqual(["cannot read -1", "cannot read -2", 8, "cannot read -3", 10, 12, 14, "cannot read -4"]);
    expect(watch.batches).toEqual([[4, 5, 6], [7]]);
  });

  test("only those that go together run together", async () => {
    const joins = (batch: readonly RawImage[], next: RawImage) => batch[0]!.width % 2 === next.width % 2;
    const { task, watch } = widths({ joins });
    expect(await collect(streamAnswers([2, 4, 5, 7, 9, 11, 6], read, task))).toEqual([4, 8, 10, 14, 18, 22, 12]);
    expect(watch.batches).toEqual([[2, 4], [5, 7, 9], [11], [6]]);
  });

  test("one that the preprocessing refuses has an error of its own", async () => {
    const view = (pixels: RawImage) => {
      if (pixels.width > 100) throw new LimitError("a line", pixels.width, 100, "pixels");
      return pixels;
    };
    const { task } = widths({ view });
    expect(await collect(streamAnswers([1, 101, 2], read, task))).toEqual([2, expect.stringContaining("a line"), 4]);
  });

  test("one that fails its batch only fails itself", async () => {
    const run: BatchTask<RawImage, number, number>["run"] = async (batch) => {
      if (batch.some(({ view }) => view.width === 7)) throw new LimitError("a line", 7, 5, "pixels");
      return batch.map(({ view }) => view.width);
    };
    const { task } = widths({ run });
    expect(await collect(streamAnswers([1, 7, 2, 3], read, task))).toEqual([
      1,
      expect.stringContaining("a line"),
      2,
      3,
    ]);
  });

  test("what the engine throws ends it", async () => {
    const run = async () => {
      throw new SessionError("out of memory");
    };
    await expect(collect(streamAnswers([1, 2, 3], read, widths({ run }).task))).rejects.toThrow("out of memory");
  });

  test("an answer does not wait for pictures that have not come", async () => {
    let come: () => void = () => undefined;
    async function* sources() {
      yield* [1, 2, 3];
      await new Promise<void>((resolve) => (come = resolve));
      yield 4;
    }
    const answers = streamAnswers(sources(), read, widths().task);
    expect((await answers.next()).value).toEqual({ source: 1, answer: 2 });
    await answers.next();
    await answers.next();
    come();
    expect((await answers.next()).value).toEqual({ source: 4, answer: 8 });
  });
});

describe("memory", () => {
  /** Reads that note how much is held at once. */
  function counted() {
    const now = { held: 0, most: 0 };
    const take = (bytes: number) => {
      now.held += bytes;
      now.most = Math.max(now.most, now.held);
    };
    const reading = async (width: number, reserve: Reserve) => {
      await reserve(3 * width);
      take(3 * width);
      await pause(1);
      return picture(width);
    };
    return { now, take, reading };
  }

  test("large pictures are not decoded all at once, though they would make one batch", async () => {
    const { now, take, reading } = counted();
    const view = (pixels: RawImage) => {
      take(1 - pixels.data.byteLength); // only a small view stays
      return picture(Math.ceil(pixels.width / 1000));
    };
    const { task, watch } = widths({ view, bytesOf: () => 1, batchSize: 8 });
    const sources = Array(16).fill(1000);
    expect(await collect(streamAnswers(sources, reading, task, { memoryBytes: 7000 }))).toHaveLength(16);
    expect(watch.batches.map(({ length }) => length)).toEqual([8, 8]);
    expect(now.most).toBeLessThanOrEqual(7000 + 16);
  });

  test("views that stay as large as they are end, with one picture beyond the limit at most", async () => {
    const { now, reading, take } = counted();
    const { task } = widths({ batchSize: 2 });
    const run = task.run;
    const releasing: typeof run = async (batch) => {
      const answers = await run(batch);
      for (const { view } of batch) take(-view.data.byteLength);
      return answers;
    };
    const sources = [1000, 2000, 500, 3000, 10, 4000, 20, 30, 2500, 1];
    const answers = await collect(streamAnswers(sources, reading, { ...task, run: releasing }, { memoryBytes: 6000 }));
    expect(answers).toEqual(sources.map((width) => 2 * width));
    expect(now.held).toBe(0);
    expect(now.most).toBeLessThanOrEqual(6000 + 3 * 4000);
  });
});

describe("stopping", () => {
  test("a signal ends it at once, even while a picture takes forever", async () => {
    const stopping = new AbortController();
    const forever = () => new Promise<RawImage>(() => undefined);
    const answers = collect(streamAnswers([1], forever, widths().task, { signal: stopping.signal }));
    setTimeout(() => stopping.abort(), 5);
    await expect(answers).rejects.toThrow(AbortedError);
    const { signal } = stopping;
    await expect(collect(streamAnswers([1], read, widths().task, { signal }))).rejects.toThrow(AbortedError);
  });

  test("a consumer that stops early stops the reading", async () => {
    let reads = 0;
    const counting = (width: number, reserve: Reserve) => {
      reads++;
      return read(width, reserve);
    };
    for await (const _ of streamAnswers(Array(1000).fill(1), counting, widths().task)) break;
    await pause(20);
    const then = reads;
    await pause(20);
    expect(reads).toBe(then);
    expect(reads).toBeLessThan(50);
  });

  test("allAnswers throws the first error in order", async () => {
    expect(await allAnswers(streamAnswers([1, 2], read, widths().task))).toEqual([2, 4]);
    await expect(allAnswers(streamAnswers([1, -5, -4], read, widths().task))).rejects.toThrow("cannot read -5");
  });
});
