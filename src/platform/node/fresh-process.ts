// Runs in a process of its own: loads one model, runs it, and tells how long that took and how much memory. What it says first tells when its
// own code began; how long a process takes to get there is its parent's to compute.
import { readFile } from "node:fs/promises";
import { allocate, type DType, elementCount, type TensorData, tensor } from "../../tensor.ts";
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
  // Any ordinary numbers will do; zeros or denormals could be faster or slower.
  const feed = (shape: readonly number[], dtype: DType | undefined): TensorData =>
    dtype === "uint8"
      ? tensor(
          "uint8",
          shape,
          allocate("uint8", elementCount(shape)).map((_, i) => (i * 7919) % 251),
        )
      : tensor(
          "float32",
          shape,
          allocate("float32", elementCount(shape)).map((_, i) => ((i * 7919) % 1000) / 500 - 1),
        );
  const startedAt = performance.now();
  const session = await createNodeSession(await readFile(modelPath), { device, threads, onNotice: () => undefined });
  const loadedAt = performance.now();
  const dtypes = new Map(session.inputs.map(({ name, dtype }) => [name, dtype]));
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, shape]) => [name, feed(shape, dtypes.get(name))]),
  );
  const askedAt = performance.now();
  await session.run(feeds, { outputs });
  const answeredAt = performance.now();
  for (let i = 0; i < runs; i++) await session.run(feeds, { outputs });
  await session.dispose();
  send({
    type: "done",
    loadMs: loadedAt - startedAt,
    firstMs: answeredAt - askedAt,
    idleBytes,
    peakBytes: peakMemory(),
  });
}
