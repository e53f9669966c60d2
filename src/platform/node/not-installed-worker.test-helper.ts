// A session's worker where npm left the native build out, as it does with an optional package that cannot be installed.
import { parentPort } from "node:worker_threads";
import { ENGINE_LOADERS } from "./engine.ts";
import { serveEngine } from "./engine-server.ts";

serveEngine(parentPort!, {
  ...ENGINE_LOADERS,
  native: () => import(["onnxruntime-node", "that-is-not-here"].join("-")),
});
