// First code of every worker thread. Plain JavaScript, because Node 20 cannot load TypeScript: when the entry is a .ts file (tests, and
// scripts started by tsx) it registers tsx in this thread, then loads the entry. Built code has .js entries and never looks for tsx.
import { workerData } from "node:worker_threads";

if (new URL(workerData.entry).pathname.endsWith(".ts")) {
  // Without tsx the entry is loaded all the same: newer versions of Node strip types on their own.
  const tsx = await import("tsx/esm/api").catch(() => undefined);
  tsx?.register();
}
await import(workerData.entry);
