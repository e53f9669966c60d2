// Entry of a staged session's worker thread.
import { parentPort } from "node:worker_threads";
import { ENGINE_LOADERS } from "./engine.ts";
import { serveStages } from "./staged-server.ts";

if (parentPort === null) throw new Error("this module runs in a worker thread");
serveStages(parentPort, ENGINE_LOADERS);
