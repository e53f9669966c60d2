// The worker's side of a staged session: loads the stages of one model, all on one device, and keeps between steps what runs hold.
import type { MessagePort, TransferListItem } from "node:worker_threads";
import { StageRuns } from "../../runtime/stage-runs.ts";
import { type Engine, type EngineLoaders, openEngine } from "./engine.ts";
import { unpackTensors } from "./protocol.ts";
import type { FromStagedWorker, ToStagedWorker } from "./staged-protocol.ts";
import { serveRequests } from "./worker-requests.ts";

/** Serves one staged session over `port` until it is disposed. */
export function serveStages(port: MessagePort, loaders: EngineLoaders): void {
  const engines = new Map<string, Engine>();
  let runs: StageRuns | undefined;

  const reply = (message: FromStagedWorker, transfer: readonly TransferListItem[] = []) =>
    port.postMessage(message, transfer);

  const load = async ({ stages, device, threads, section }: Extract<ToStagedWorker, { type: "load" }>) => {
    for (const { stage, model } of stages) {
      const [first] = engines.values();
      const engine = await openEngine(model, {
        device: first?.device ?? device, // what "auto" has become
        threads,
        loaders,
        onNotice: (line) => reply({ type: "notice", line }),
        section,
        state: {},
        tracePrefix: undefined,
      });
      engines.set(stage, engine);
    }
    const inputs = new Map([...engines].map(([stage, engine]) => [stage, engine.inputs.map(({ name }) => name)]));
    runs = new StageRuns(inputs, async (stage, feeds, outputs) => {
      const named = Object.entries(feeds).map(([name, value]) => ({ name, ...value }));
      return unpackTensors(await engines.get(stage)!.run(named, outputs));
    });
    reply({
      type: "staged",
      stages: [...engines].map(([stage, { device, engine, threads, inputs, outputs }]) => ({
        ...{ stage, device, engine, threads, inputs, outputs },
      })),
    });
  };

  const step = async ({ feeds, ...rest }: Extract<ToStagedWorker, { type: "step" }>) => {
    if (runs === undefined) throw new Error("no model is loaded");
    const { rows, ...step } = rest;
    const results = await runs.step({
      ...step,
      feeds: unpackTensors(feeds),
      ...(rows === undefined ? {} : { rows }),
    });
    const outputs = Object.entries(results).map(([name, value]) => ({ name, ...value }));
    // What is handed back is not held as well, or it would be gone afterwards.
    const given = outputs.filter(({ name }) => !Object.hasOwn(step.keep, name));
    reply({ type: "result", outputs }, [...new Set(given.map(({ data }) => data.buffer as ArrayBuffer))]);
  };

  serveRequests<ToStagedWorker>(
    port,
    async (message) => {
      if (message.type === "load") await load(message);
      else if (message.type === "step") await step(message);
      else if (message.type === "end") runs?.end(message.run);
    },
    async () => {
      // One after another: on WebGPU each waits for its turn, and waiting blocks this thread.
      for (const engine of engines.values()) await engine.release().catch(() => undefined);
    },
  );
}
