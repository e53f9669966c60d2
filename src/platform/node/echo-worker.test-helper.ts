// Answers with what it was given, or fills its heap.
import { parentPort } from "node:worker_threads";
import { workerInput } from "./workers.ts";

if (import.meta.url.endsWith("?mode=fill")) {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 1000 }, (_, at) => at));
}
parentPort?.postMessage(workerInput<unknown>());
