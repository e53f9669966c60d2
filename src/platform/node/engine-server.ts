// The worker's side of a session: loads one model and runs what it is told.
import type { MessagePort, TransferListItem } from "node:worker_threads";
import { type Engine, type EngineLoaders, openEngine } from "./engine.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { serveRequests } from "./worker-requests.ts";

/** Serves one session over `port` until it is disposed. */
export function serveEngine(port: MessagePort, loaders: EngineLoaders): void {
  let engine: Engine | undefined;

  const reply = (message: FromWorker, transfer: readonly TransferListItem[] = []) =>
    port.postMessage(message, transfer);

  const load = async (message: Extract<ToWorker, { type: "load" }>) => {
    engine = await openEngine(message.model, {
      device: message.device,
      threads: message.threads,
      loaders,
      onNotice: (line) => reply({ type: "notice", line }),
      section: message.section,
      state: message.state,
      tracePrefix: message.tracePrefix,
    });
    const { device, engine: name, threads, inputs, outputs } = engine;
    reply({ type: "loaded", device, engine: name, threads, inputs, outputs });
  };

  const run = async (message: Extract<ToWorker, { type: "run" }>) => {
    if (engine === undefined) throw new Error("no model is loaded");
    const outputs = await engine.run(message.feeds, message.outputs);
    const buffers = new Set(outputs.map((output) => output.data.buffer as ArrayBuffer));
    reply({ type: "result", outputs }, [...buffers]);
  };

  const state = async (message: Extract<ToWorker, { type: "state" }>) => {
    // Cloned by the message, not moved: the engine goes on using them.
    reply({ type: "result", outputs: (await engine?.state(message.names)) ?? [] });
  };

  serveRequests<ToWorker>(
    port,
    async (message) => {
      if (message.type === "load") await load(message);
      else if (message.type === "state") await state(message);
      else if (message.type === "run") await run(message);
    },
    async () => engine?.release(),
  );
}
