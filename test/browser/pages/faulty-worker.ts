// A session's worker that dies when told to run; the value of the only feed says how.
import type { FromWorker, ToWorker } from "../../../src/platform/engine/protocol.ts";
import { type WorkerScope, workerPort } from "../../../src/platform/web/engine-port.ts";

const scope = globalThis as unknown as WorkerScope;
const port = workerPort(scope);
const value = { name: "x", dtype: "float32", shape: ["n"] } as const;

port.listen(
  (received) => {
    const message = received as ToWorker;
    const loaded: FromWorker = {
      type: "loaded",
      ...{ device: "wasm", engine: "faulty", threads: 1, inputs: [value], outputs: [value] },
    };
    if (message.type === "load") port.post(loaded);
    if (message.type !== "run") return;
    const mode = Number(message.feeds[0]?.data[0]);
    if (mode === 1) throw new Error("the worker threw");
    if (mode === 2) scope.close(); // without a word to anybody
    if (mode === 3) port.exit(1);
    // anything else: never answers
  },
  () => undefined,
);
