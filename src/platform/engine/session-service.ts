// The worker's side of a session: loads one model and runs what it is told.
import type { LoadedEngine } from "./loaded-engine.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import type { OpenEngine, ServerPort, Service } from "./serve-requests.ts";

/** What a session of one model answers to. */
export function sessionService<Surroundings>(
  port: ServerPort,
  open: OpenEngine<Surroundings>,
): Service<Exclude<ToWorker<Surroundings>, { type: "dispose" }>> {
  let engine: LoadedEngine | undefined;

  const reply = (message: FromWorker, transfer: readonly ArrayBuffer[] = []) => port.post(message, transfer);

  return {
    handlers: {
      load: async ({ model, type: _, ...request }) => {
        engine = await open(model, { ...request, onNotice: (line) => reply({ type: "notice", line }) });
        const { device, engine: name, threads, inputs, outputs } = engine;
        reply({ type: "loaded", device, engine: name, threads, inputs, outputs });
      },
      run: async (message) => {
        if (engine === undefined) throw new Error("no model is loaded");
        const { feeds, outputs: names } = message;
        const outputs = await (message.reads === true ? engine.read(feeds, names) : engine.run(feeds, names));
        const buffers = new Set(outputs.map((output) => output.data.buffer as ArrayBuffer));
        reply({ type: "result", outputs }, [...buffers]);
      },
      reader: async ({ model }) => {
        if (engine === undefined) throw new Error("no model is loaded");
        reply({ type: "reading", ...(await engine.openReader(model)) });
      },
      state: async (message) => {
        // Cloned by the message, not moved: the engine goes on using them.
        reply({ type: "result", outputs: (await engine?.state(message.names)) ?? [] });
      },
    },
    release: async () => engine?.release(),
  };
}
