// Which kernels a model is compiled to for a device. Mostly the device's name says it; of some that WebGPU has, the device itself is asked.
import { inferenceGraph } from "../models/graph.ts";
import type { Kernels } from "../onnx/lower.ts";
import type { Host } from "../platform/host.ts";
import type { SessionOptions } from "../runtime/session.ts";
import { targetOf } from "../runtime/target.ts";
import type { LoadedModel } from "./model.ts";

type SessionHost = Pick<Host, "createSession">;

/** What was found of a host's WebGPU, which has one adapter as long as the process or the page lives. */
const checks = new WeakMap<SessionHost, Promise<boolean>>();

/**
 * What to compile a model to for where it is to run. The first model with maps to read on WebGPU waits for a small question to the device: whether its
 * GridSample and its normed sums are right. Where they are not, or cannot be asked, cells are gathered, and sums are kernels of their own.
 */
export async function kernelsFor(
  host: SessionHost,
  model: LoadedModel,
  { device, onNotice }: Pick<SessionOptions, "device" | "onNotice">,
): Promise<Kernels> {
  const target = targetOf(device);
  if (target !== "webgpu" || model.kind === "onnx" || !readsMaps(model.definition)) return { target };
  let asked = checks.get(host);
  if (asked === undefined) {
    asked = askDevice(host, onNotice);
    checks.set(host, asked);
  }
  try {
    return (await asked) ? { target, gridSample: "kernel", normedSums: true } : { target };
  } catch {
    // There is no such device, perhaps: the model's own session will say it.
    checks.delete(host);
    return { target };
  }
}

async function askDevice(host: SessionHost, onNotice: ((line: string) => void) | undefined): Promise<boolean> {
  const { kernelsRight } = await import("../runtime/kernel-check.ts");
  const options: SessionOptions = { device: "webgpu", threads: 1, check: false, onNotice: () => undefined };
  const isRight = await kernelsRight((model) => host.createSession(model, options));
  if (!isRight) onNotice?.("saccade: WebGPU's own kernels give wrong values here; plainer ones take their place");
  return isRight;
}

/** Whether it reads pictures' maps by gridSample where that has a kernel. */
function readsMaps(definition: Parameters<typeof inferenceGraph>[0]): boolean {
  const { nodes } = inferenceGraph(definition, {}, { fewKernels: true });
  return nodes.some(({ op, shape }) => op === "gridSample" && shape.length === 4);
}
