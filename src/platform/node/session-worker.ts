// Entry of a session's worker thread.
import { parentPort } from "node:worker_threads";
import { ENGINE_LOADERS } from "./engine.ts";
import { serveEngine } from "./engine-server.ts";

if (parentPort === null) throw new Error("this module runs in a worker thread");
serveEngine(parentPort, ENGINE_LOADERS);
