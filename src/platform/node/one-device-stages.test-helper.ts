// A staged session's worker that takes WebGPU's turns, but computes on the processor: for machines without an adapter.
import { parentPort } from "node:worker_threads";
import { ENGINE_LOADERS } from "./engine.ts";
import { serveStages } from "./staged-server.ts";

serveStages(parentPort!, {
  ...ENGINE_LOADERS,
  native: async () => {
    const ort = await ENGINE_LOADERS.native();
    const create = (model: Uint8Array, options: object) =>
      ort.InferenceSession.create(model, { ...options, executionProviders: ["cpu"] });
    return Object.create(ort, { InferenceSession: { value: { create } } });
  },
});
