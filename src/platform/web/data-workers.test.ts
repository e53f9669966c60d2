// What goes to a data worker: bytes in the place of paths, reasons in the place of files that cannot be read, pixels where memory is not shared.
import { expect, test } from "vitest";
import type { BatchResult, BatchTask, SampleTask } from "../../data/batch-work.ts";
import { NotFoundError, SaccadeError } from "../../errors.ts";
import { createDataWorkers, type FromDataWorker, type ToDataWorker } from "./data-workers.ts";
import { MemoryFiles } from "./files-memory.ts";

const MADE: BatchResult = { width: 1, height: 1, views: 1, unreadable: [], decoded: [], loadMs: 0, augmentMs: 0 };

/** A worker that answers as the test says. */
class ScriptedWorker {
  readonly asked: ToDataWorker[] = [];
  isOver = false;
  onmessage: ((event: MessageEvent<FromDataWorker>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;

  constructor(readonly answer: (worker: ScriptedWorker) => void) {}

  postMessage(message: ToDataWorker): void {
    this.asked.push(message);
    queueMicrotask(() => this.answer(this));
  }

  terminate(): void {
    this.isOver = true;
  }
}

const says = (data: FromDataWorker) => (worker: ScriptedWorker) => worker.onmessage?.({ data } as MessageEvent);

async function workerWith(answer: (worker: ScriptedWorker) => void) {
  const files = new MemoryFiles();
  await files.writeAtomic("here.jpg", Uint8Array.of(1, 2, 3));
  const scripted = new ScriptedWorker(answer);
  const place = {
    dataFiles: files,
    decode: async () => {
      throw new SaccadeError("image", "nothing is decoded here");
    },
  };
  // The browser's class is not there in Node.
  Object.assign(globalThis, { Worker: ScriptedWorker });
  const [worker] = createDataWorkers(place, 1, () => scripted as unknown as Worker);
  return { worker: worker!, scripted };
}

const task = (...samples: readonly (SampleTask | undefined)[]): BatchTask => ({
  ...{ epoch: 0, index: 0, firstPosition: 0, seed: 0, augmentation: "", classes: 2, smoothing: 0, returnsPixels: true },
  samples,
});

test("files become bytes, what cannot be read a reason, and kept pixels copies where memory is not shared", async () => {
  const { worker, scripted } = await workerWith(says({ type: "made", result: MADE }));
  const at = { slab: 0, offset: 3, width: 1, height: 1 };
  const made = task(
    { item: 0, label: 0, picture: { kind: "file", path: "here.jpg" } },
    { item: 1, label: 1, picture: { kind: "file", path: "gone.jpg" } },
    { item: 2, label: 1, picture: { kind: "cached", at } },
    undefined,
  );
  const slab = Uint8Array.of(0, 0, 0, 7, 8, 9).buffer;
  expect(await worker.run(made, [slab])).toEqual(MADE);
  const [asked] = scripted.asked;
  expect(asked!.task.samples.map((sample) => sample?.picture)).toEqual([
    { kind: "encoded", bytes: Uint8Array.of(1, 2, 3) },
    { kind: "file", path: "gone.jpg" },
    { kind: "pixels", image: { width: 1, height: 1, data: Uint8Array.of(7, 8, 9) } },
    undefined,
  ]);
  expect([...asked!.unreadable]).toEqual([["gone.jpg", new NotFoundError("file", "gone.jpg").message]]);
  expect(asked!.newSlabs).toEqual([]);
  await worker.dispose();
  expect(scripted.isOver).toBe(true);
});

test("shared memory is handed over once, and pixels in it stay where they are", async () => {
  const { worker, scripted } = await workerWith(says({ type: "made", result: MADE }));
  const picture = { kind: "cached", at: { slab: 0, offset: 3, width: 1, height: 1 } } as const;
  const shared = new SharedArrayBuffer(6);
  for (let time = 0; time < 2; time++) await worker.run(task({ item: 2, label: 1, picture }), [shared]);
  expect(scripted.asked.map(({ newSlabs }) => newSlabs)).toEqual([[shared], []]);
  expect(scripted.asked[1]!.task.samples[0]!.picture).toEqual(picture);
});

test("a worker that fails or is gone is said in words, also to who comes later", async () => {
  const failing = await workerWith(says({ type: "failed", message: "the augmentation is none" }));
  await expect(failing.worker.run(task(), [])).rejects.toThrow("a batch cannot be made: the augmentation is none");
  const gone = await workerWith((worker) =>
    worker.onerror?.({ message: "out of memory", preventDefault: () => undefined } as ErrorEvent),
  );
  const death = "a worker that prepares pictures is gone: out of memory";
  await expect(gone.worker.run(task(), [])).rejects.toThrow(death);
  await expect(gone.worker.run(task(), [])).rejects.toThrow(death);
});
