// Runs in a process of its own: loads one model, runs it, and tells how long that took and how much memory. What it says first tells when its
// own code began; how long a process takes to get there is its parent's to compute.
import { readFile } from "node:fs/promises";
import { allocate, elementCount, type TensorData } from "../../tensor.ts";
import { peakMemory } from "./machine.ts";
import type { FreshAnswer, FreshOrder } from "./measuring.ts";
import { createNodeSession } from "./session.ts";

const send = (answer: FreshAnswer) => process.send?.(answer);

send({ type: "ready", at: performance.timeOrigin + performance.now() });
process.once("message", (order: FreshOrder) => {
  run(order)
    .catch((error: unknown) =>
      send({ type: "failed", message: error instanceof Error ? error.message : String(error) }),
    )
    .finally(() => process.disconnect());
});

async function run({ modelPath, device, threads, inputs, outputs, runs }: FreshOrder): Promise<void> {
  const idleBytes = process.memoryUsage.rss();
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, shape]): [string, TensorData] => {
      // Any ordinary numbers will do; zeros or denormals could be faster or slower.
      const data = allocate("float32", elementCount(shape)).map((_, i) => ((i * 7919) % 1000) / 500 - 1);
      return [name, { dtype: "float32", shape: [...shape], data }];
    }),
  );
  const startedAt = performance.now();
  const session = await createNodeSession(await readFile(modelPath), { device, threads, onNotice: () => undefined });
  const loadedAt = performance.now();
  await session.run(feeds, { outputs });
  const answeredAt = performance.now();
  for (let i = 0; i < runs; i++) await session.run(feeds, { outputs });
  await session.dispose();
  send({
    type: "done",
    loadMs: loadedAt - startedAt,
    firstMs: answeredAt - loadedAt,
    idleBytes,
    peakBytes: peakMemory(),
  });
}
