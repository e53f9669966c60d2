// A staged session's worker that dies when told to take a step.
import { parentPort } from "node:worker_threads";
import type { FromStagedWorker, ToStagedWorker } from "../engine/staged-protocol.ts";

const port = parentPort!;
const value = (name: string) => ({ name, dtype: "float32", shape: ["batch", 1] }) as const;

port.on("message", (message: ToStagedWorker) => {
  if (message.type === "dispose") process.exit(0);
  if (message.type === "step") process.exit(7);
  if (message.type !== "load stages") return;
  const stage = { device: "cpu", engine: "faulty", threads: 1, inputs: [value("image")] } as const;
  const outputs = [value("logits"), value("next.sum")];
  port.postMessage({ type: "staged", stages: [{ stage: "first", ...stage, outputs }] } satisfies FromStagedWorker);
});
