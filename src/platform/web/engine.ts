// The one place in a page that imports ONNX Runtime: its builds for the web, each fetched when it is needed and not before. Everything here runs
// inside a session's worker.
import type * as Ort from "onnxruntime-web";
import { SessionError } from "../../errors.ts";
import { readableEngineError } from "../engine/engine-errors.ts";
import { outputLocations, type StateNames } from "../engine/held-state.ts";
import { type Guard, type LoadedEngine, loadedEngine, type OrtModule, refuseModel } from "../engine/loaded-engine.ts";
import type { Loaded } from "../engine/protocol.ts";
import type { EngineAddresses } from "./engine-files.ts";

/**
 * A build of ONNX Runtime. "wasm" has the processor alone; the other two have WebGPU as well, and differ in how WebAssembly waits for it: "jspi" by
 * the browser's own means, "asyncify" by code that the compiler adds everywhere, which makes the file larger by half. On the processor all three
 * take the same time for a run (bench/browser/speed.ts).
 */
export type Build = "wasm" | "jspi" | "asyncify";

const BUILDS: Readonly<Record<Build, () => Promise<OrtModule>>> = {
  wasm: () => import("onnxruntime-web/wasm"),
  jspi: () => import("onnxruntime-web/jspi"),
  asyncify: () => import("onnxruntime-web/webgpu"),
};

/** The build that runs on a device here. */
export function buildFor(device: "wasm" | "webgpu", files: EngineAddresses | undefined): Build {
  if (files !== undefined) return buildOfFiles(files);
  if (device === "wasm") return "wasm";
  return "Suspending" in WebAssembly ? "jspi" : "asyncify";
}

/** The build that files of a page's own belong to, by their names. */
export function buildOfFiles({ wasm }: EngineAddresses): Build {
  const name = new URL(wasm).pathname.split("/").at(-1) ?? "";
  if (name.includes("jspi")) return "jspi";
  return name.includes("asyncify") ? "asyncify" : "wasm";
}

/** A build that is loaded. A worker loads one build, and opens on it whatever it opens. */
export interface WebEngine {
  readonly build: Build;
  open(model: Uint8Array, device: "wasm" | "webgpu", state: StateNames): Promise<LoadedEngine>;
  /** Called with the browser's reason when WebGPU's device is lost. Only after a model was opened there. */
  onDeviceLost(lost: (reason: string) => void): Promise<void>;
}

const FILES_HINT =
  "serve ort-wasm-simd-threaded*.wasm of onnxruntime-web/dist beside the page's code, or say where it is: configure({ wasm: { mjs, wasm } })";

/** Nothing of the processor outlives a worker, so nothing needs guarding. */
const unguarded: Guard = (work) => work();

/**
 * Loads a build's code. Its WebAssembly is fetched with the first model.
 *
 * @throws SessionError when the code cannot be had
 */
export async function loadBuild(build: Build, threads: number, files: EngineAddresses | undefined): Promise<WebEngine> {
  const ort = await BUILDS[build]().catch((error: unknown) => {
    throw new SessionError(`ONNX Runtime's code could not be loaded: ${readableEngineError(error)}`, {
      hint: "serve the files that the bundler made from the page's own address",
      data: { build },
    });
  });
  ort.env.logLevel = "fatal";
  ort.env.wasm.numThreads = threads;
  if (files !== undefined) ort.env.wasm.wasmPaths = files;
  const engine = `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`;
  return {
    build,
    open: (model, device, state) => openModel(ort, model, { device, engine, threads }, state),
    onDeviceLost: async (lost) => {
      const device = (await ort.env.webgpu.device) as unknown as GpuDevice;
      void device.lost.then(({ message }) => lost(message));
    },
  };
}

interface GpuDevice {
  readonly lost: Promise<{ readonly message: string }>;
}

async function openModel(
  ort: OrtModule,
  model: Uint8Array,
  identity: Pick<Loaded, "device" | "engine" | "threads">,
  state: StateNames,
): Promise<LoadedEngine> {
  const { device } = identity;
  const open = (bytes: Uint8Array, more: Ort.InferenceSession.SessionOptions = {}): Promise<Ort.InferenceSession> =>
    ort.InferenceSession.create(bytes, {
      executionProviders: [device],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: 4,
      ...more,
    });
  const session = await open(model, device === "webgpu" ? outputLocations(state) : {}).catch((error: unknown) =>
    refuse(device, error),
  );
  // What fails is thrown, and need not be on the page's console too.
  const runOptions = { logSeverityLevel: 4 } as const;
  return loadedEngine(ort, session, identity, { guard: unguarded, open, state, runOptions });
}

function refuse(device: Loaded["device"], error: unknown): never {
  const text = error instanceof Error ? error.message : String(error);
  if (!text.startsWith("no available backend found")) refuseModel(device, error);
  const reason = text.replace(/^no available backend found\. ERR: \[\w+\] (?:\w*Error: )?/, "");
  throw new SessionError(`ONNX Runtime's WebAssembly could not be loaded: ${readableEngineError(reason)}`, {
    hint: FILES_HINT,
    data: { device },
    cause: error,
  });
}
