// The worker's side of a session: loads one model, runs what it is told, answers every request once and in order.
import type { MessagePort, TransferListItem } from "node:worker_threads";
import { SaccadeError } from "../../errors.ts";
import { type Engine, type EngineLoaders, openEngine } from "./engine.ts";
import { type EngineSection, enterSection, leaveSection } from "./engine-section.ts";
import type { Failure, FromWorker, ToWorker } from "./protocol.ts";

/** Serves one session over `port` until it is disposed. */
export function serveEngine(port: MessagePort, loaders: EngineLoaders): void {
  let engine: Engine | undefined;
  let tail: Promise<void> = Promise.resolve(); // a dispose that arrives during a run waits for it

  const reply = (message: FromWorker, transfer: readonly TransferListItem[] = []) =>
    port.postMessage(message, transfer);

  const load = async (message: Extract<ToWorker, { type: "load" }>) => {
    engine = await openEngine(message.model, {
      device: message.device,
      threads: message.threads,
      loaders,
      onNotice: (line) => reply({ type: "notice", line }),
      guard: (work) => inSection(message.section, work),
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
    reply({ type: "result", outputs: engine?.state(message.names) ?? [] });
  };

  const handle = async (message: ToWorker) => {
    if (message.type === "dispose") {
      await engine?.release().catch(() => undefined);
      process.exit(0); // ends this thread only, and the threads that WebAssembly started in it
    }
    try {
      if (message.type === "load") await load(message);
      else if (message.type === "state") await state(message);
      else await run(message);
    } catch (error) {
      reply({ type: "failed", failure: failureOf(error) });
      if (isEngineDead(error)) process.exit(1);
    }
  };

  port.on("messageerror", (error: Error) => {
    reply({ type: "failed", failure: { message: `the feeds cannot be handed to the engine: ${error.message}` } });
  });
  port.on("message", (message: ToWorker) => {
    tail = tail.then(() => handle(message));
  });
}

async function inSection<T>(section: EngineSection, work: () => Promise<T>): Promise<T> {
  enterSection(section);
  try {
    return await work();
  } finally {
    leaveSection(section);
  }
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof SaccadeError)) return { message: error instanceof Error ? error.message : String(error) };
  return {
    message: error.message,
    data: { ...error.data },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

/** WebAssembly that ran out of memory or hit a trap cannot be used again. */
function isEngineDead(error: unknown): boolean {
  const root = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return root instanceof Error && (root.name === "RuntimeError" || root.message.startsWith("Aborted("));
}
