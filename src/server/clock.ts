// The process's own time, for queues.
import type { Clock } from "./queue/batch-queue.ts";

export const processClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
