// The worker's side of a staged session: loads the stages of one model, all on one device, and keeps between steps what runs hold.
import { StageRuns } from "../../runtime/stage-runs.ts";
import type { LoadedEngine } from "./loaded-engine.ts";
import { unpackTensors } from "./protocol.ts";
import type { OpenEngine, ServerPort, Service } from "./serve-requests.ts";
import type { FromStagedWorker, ToStagedWorker } from "./staged-protocol.ts";

/** What a session of several stages answers to. */
export function stagedService<Surroundings>(
  port: ServerPort,
  open: OpenEngine<Surroundings>,
): Service<Exclude<ToStagedWorker<Surroundings>, { type: "dispose" }>> {
  const engines = new Map<string, LoadedEngine>();
  let runs: StageRuns | undefined;

  const reply = (message: FromStagedWorker, transfer: readonly ArrayBuffer[] = []) => port.post(message, transfer);

  return {
    handlers: {
      "load stages": async ({ stages, type: _, ...request }) => {
        for (const { stage, model } of stages) {
          const [first] = engines.values();
          const engine = await open(model, {
            ...request,
            device: first?.device ?? request.device, // what "auto" has become
            state: {},
            onNotice: (line) => reply({ type: "notice", line }),
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
      },
      step: async ({ feeds, ...rest }) => {
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
      },
      end: ({ run }) => runs?.end(run),
    },
    release: async () => {
      // One after another: on WebGPU each waits for its turn, and waiting blocks a thread of Node.
      for (const engine of engines.values()) await engine.release().catch(() => undefined);
    },
  };
}
