// A session's worker that dies or lies when told to run; the value of the only feed says how.
import { parentPort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "../engine/protocol.ts";

const port = parentPort!;
const value = { name: "x", dtype: "float32", shape: ["n"] } as const;

port.on("message", (message: ToWorker) => {
  const loaded: FromWorker = {
    type: "loaded",
    device: "cpu",
    engine: "faulty",
    threads: 1,
    inputs: [value],
    outputs: [value],
  };
  if (message.type === "load") port.postMessage(loaded);
  if (message.type === "dispose") process.exit(0);
  if (message.type !== "run") return;
  const mode = Number(message.feeds[0]?.data[0]);
  if (mode === 1) process.exit(7);
  if (mode === 2) throw new Error("the worker threw");
  if (mode === 3) port.postMessage(loaded);
  // anything else: never answers
});
