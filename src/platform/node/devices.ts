// What `saccade doctor` shows: for each device whether it works here, tried for real with a model of one op, and if not, why and what to do.
import { SaccadeError } from "../../errors.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { createNodeSession, type NodeSession } from "./session.ts";

export interface DeviceReport {
  readonly device: ActualDevice;
  readonly available: boolean;
  /** Package and version: "onnxruntime-node 1.30.0". Only where available. */
  readonly engine?: string;
  /** Time to load and run a model of one op, in milliseconds. Only where available. */
  readonly startMs?: number;
  /** Why it is not available. */
  readonly reason?: string;
  /** What would make it available. */
  readonly hint?: string;
}

export interface DevicesReport {
  readonly machine: Machine;
  /** In the order of preference of the device "auto"; WebGPU last, because "auto" never picks it. */
  readonly devices: readonly DeviceReport[];
  /** What "auto" takes; undefined when nothing works. */
  readonly auto: ActualDevice | undefined;
}

const ORDER: readonly ActualDevice[] = ["cuda", "cpu", "wasm", "webgpu"];

/** y = x + x over float32[1]; ONNX, IR version 8, opset 17. */
const PROBE_MODEL = "CAg6OwoOCgF4CgF4EgF5IgNBZGQSB2ZpeHR1cmVaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgIQEQ==";

/** A driver that hangs must not hang the report. */
const PROBE_TIMEOUT_MS = 30_000;

/**
 * Tries every device with a small model, one after another. Takes about two seconds; never throws.
 *
 * @param open how a session is made, for tests
 */
export async function listDevices(open: typeof createNodeSession = createNodeSession): Promise<DevicesReport> {
  const devices: DeviceReport[] = [];
  for (const device of ORDER) devices.push(await probe(device, open));
  const auto = devices.find((report) => report.available && report.device !== "webgpu")?.device;
  return { machine: describeMachine(), devices, auto };
}

async function probe(device: ActualDevice, open: typeof createNodeSession): Promise<DeviceReport> {
  const startedAt = performance.now();
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  let session: NodeSession | undefined;
  try {
    const model = Uint8Array.from(Buffer.from(PROBE_MODEL, "base64"));
    session = await open(model, { device, threads: 1, signal, onNotice: () => undefined });
    const { y } = await session.run({ x: { dtype: "float32", shape: [1], data: Float32Array.of(21) } }, { signal });
    if (y?.data[0] !== 42) return { device, available: false, reason: `it computes 21 + 21 = ${y?.data[0]}` };
    return { device, available: true, engine: session.engine, startMs: performance.now() - startedAt };
  } catch (error) {
    if (signal.aborted)
      return { device, available: false, reason: `it did not answer in ${PROBE_TIMEOUT_MS / 1000} s` };
    const reason = error instanceof Error ? error.message : String(error);
    const hint = error instanceof SaccadeError ? error.hint : undefined;
    return { device, available: false, reason, ...(hint === undefined ? {} : { hint }) };
  } finally {
    const disposed = session?.dispose();
    if (!signal.aborted) await disposed; // what hangs is left behind
  }
}
