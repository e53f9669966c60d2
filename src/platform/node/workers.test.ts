import { once } from "node:events";
import { expect, test } from "vitest";
import { spawnWorker } from "./workers.ts";

const helper = (mode: string) => new URL(`./echo-worker.test-helper.ts?mode=${mode}`, import.meta.url);

test("a TypeScript module runs in a thread, gets its data and answers", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const worker = spawnWorker(helper("echo"), { data: { bytes }, transfer: [bytes.buffer], name: "echo" });
  const [answer] = await once(worker, "message");
  expect(answer).toEqual({ bytes: Uint8Array.of(1, 2, 3) });
  expect(bytes.length).toBe(0);
  await worker.terminate();
});

test("a missing entry and an exhausted heap are error events", async () => {
  const missing = spawnWorker(new URL("./no-such-file.ts", import.meta.url));
  expect(String(await once(missing, "error").catch((error: unknown) => error))).toMatch(/no-such-file/);
  const full = spawnWorker(helper("fill"), { maxHeapMegabytes: 16 });
  const [error] = await once(full, "error");
  expect(error).toMatchObject({ code: "ERR_WORKER_OUT_OF_MEMORY" });
});
