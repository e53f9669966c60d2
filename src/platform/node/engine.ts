// The one place in Node that imports ONNX Runtime: the native build (onnxruntime-node, an optional dependency) and the WebAssembly build
// (onnxruntime-web), which runs the same bytes where there is no native one. Everything here runs inside a session's worker thread, because
// both builds block the thread that calls them.
import type * as Ort from "onnxruntime-web";
import { SessionError } from "../../errors.ts";
import type { ActualDevice, Device } from "../../runtime/session.ts";
import { isShared } from "../../tensor.ts";
import { readableEngineError } from "../engine/engine-errors.ts";
import { outputLocations } from "../engine/held-state.ts";
import { type Guard, type LoadedEngine, loadedEngine, type OrtModule, refuseModel } from "../engine/loaded-engine.ts";
import { type EngineSection, inSection, inTurn } from "./engine-section.ts";
import type { GraphWork } from "./graph-work.ts";
import { hasCudaProvider } from "./native-engine.ts";

export interface EngineLoaders {
  readonly native: () => Promise<OrtModule>;
  readonly wasm: () => Promise<OrtModule>;
  /** Whether the native build has its CUDA provider, a separate library that npm does not carry. */
  readonly hasCudaProvider: () => boolean;
}

export const ENGINE_LOADERS: EngineLoaders = {
  native: async () => {
    const module: OrtModule & { default?: OrtModule } = await import("onnxruntime-node");
    return module.default ?? module; // a CommonJS package: its exports are the default one
  },
  wasm: () => import("onnxruntime-web"),
  hasCudaProvider,
};

export interface EngineOptions {
  readonly device: Device;
  readonly threads: number;
  readonly loaders: EngineLoaders;
  readonly onNotice: (line: string) => void;
  /** Where native code runs, and whose turn it is on WebGPU's device. */
  readonly section: EngineSection;
  /** Input name -> the output that replaces it after every run. */
  readonly state: Readonly<Record<string, string>>;
  /** Begin of the file that records what operators take; undefined: nothing is recorded. */
  readonly tracePrefix: string | undefined;
  readonly graph?: GraphWork | undefined;
}

const CUDA_HINT =
  "npm does not carry ONNX Runtime's CUDA library: on Linux x64 with CUDA 12 and cuDNN 9 run " +
  "`ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node`, or use the device cpu";
/** Its script downloads CUDA libraries on Linux x64; where that fails, npm leaves the optional package out without a word. */
const INSTALL_NATIVE = "`ONNXRUNTIME_NODE_INSTALL=skip npm install` installs it without CUDA's libraries";
const WEBGPU_HINT =
  "it needs a GPU with a Vulkan, Metal or Direct3D 12 driver (on Linux also libvulkan.so.1), or use the device cpu";

/**
 * Loads a model on the device asked for. "auto" is CUDA where its provider works, else the CPU, else WebAssembly with a notice. It never
 * is WebGPU: whether that helps depends on the adapter, which may well be a software one, and a session cannot tell; its provider is young
 * and rounds differently. So it is for those who ask.
 *
 * @throws SessionError when an explicit device is not there, or when the model cannot be loaded
 */
export async function openEngine(model: Uint8Array, options: EngineOptions): Promise<LoadedEngine> {
  const { device } = options;
  if (device === "wasm") return openWasm(model, options);
  const native = await inSection(options.section, options.loaders.native).catch((error: unknown) => {
    const { reason, remedy } = importFailure(error);
    if (device !== "auto")
      throw new SessionError(
        `the device ${device} needs ONNX Runtime's native build, which is not available: ${reason}`,
        {
          hint: `${remedy === undefined ? "" : `${remedy}, or `}use the device wasm, which runs everywhere`,
          data: { device },
        },
      );
    options.onNotice(
      `saccade: ONNX Runtime's native build is not available here (${reason}); using WebAssembly, which is slower${
        remedy === undefined ? "" : ` (${remedy})`
      }`,
    );
    return undefined;
  });
  if (native === undefined) return openWasm(model, options);
  if (device === "auto") return openBestNative(native, model, options);
  if (device === "cuda" && !options.loaders.hasCudaProvider())
    throw new SessionError("the device cuda is not available: ONNX Runtime's CUDA library is not installed", {
      hint: CUDA_HINT,
      data: { device },
    });
  return openNative(native, device, model, options);
}

async function openBestNative(native: OrtModule, model: Uint8Array, options: EngineOptions): Promise<LoadedEngine> {
  if (options.loaders.hasCudaProvider())
    try {
      return await openNative(native, "cuda", model, options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      options.onNotice(`saccade: CUDA is installed but does not work (${reason}); using the CPU`);
    }
  return openNative(native, "cpu", model, options);
}

async function openNative(
  ort: OrtModule,
  device: Exclude<ActualDevice, "wasm">,
  model: Uint8Array,
  options: EngineOptions,
): Promise<LoadedEngine> {
  // The environment's log is the only place that says why a CUDA library does not load, so errors stay on there. In a session an error is
  // thrown as well as logged: only fatal ones are left.
  ort.env.logLevel = "error";
  // The native build refuses shared memory.
  const bytes = isShared(model.buffer) ? new Uint8Array(model) : model;
  const { section, state } = options;
  const inNative: Guard = (work) => inSection(section, work);
  const guard: Guard = device === "webgpu" ? (work) => inTurn(section, () => inNative(work)) : inNative;
  const open = (model: Uint8Array, more: Ort.InferenceSession.SessionOptions = {}) =>
    guard(() =>
      ort.InferenceSession.create(model, {
        executionProviders: [device],
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        logSeverityLevel: 4,
        // Threads spin between the ops of a run (cheap hand-over), and stop when the run ends: an idle session costs nothing. Measured with
        // 5 ms between runs: 13.8 instead of 22.3 ms of CPU time a run, at the same latency.
        extra: { session: { force_spinning_stop: "1" } },
        ...more,
      }),
    );
  const { isOptimized = false, saveAs } = device === "cpu" ? (options.graph ?? {}) : {};
  const session = await open(bytes, {
    ...(isOptimized ? { graphOptimizationLevel: "disabled" } : {}),
    ...(saveAs === undefined ? {} : { optimizedModelFilePath: saveAs }),
    ...(device === "webgpu" ? outputLocations(state) : {}),
    ...(options.tracePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.tracePrefix }),
  }).catch((error: unknown) => refuseModel(device, error, hintFor(device)));
  const version = `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`;
  const identity = { device, engine: version, threads: options.threads };
  const engine = loadedEngine(ort, session, identity, { guard, open, state });
  if (options.tracePrefix === undefined) return engine;
  const release = async () => {
    await guard(async () => session.endProfiling()); // writes the file
    await engine.release();
  };
  return { ...engine, release };
}

async function openWasm(model: Uint8Array, options: EngineOptions): Promise<LoadedEngine> {
  const ort = await options.loaders.wasm().catch((error: unknown) => {
    throw new SessionError(`ONNX Runtime's WebAssembly build is not available: ${importFailure(error).reason}`, {
      hint: "reinstall with `npm install onnxruntime-web`",
      data: { device: "wasm" },
    });
  });
  ort.env.logLevel = "fatal";
  ort.env.wasm.numThreads = options.threads; // worker threads of this worker, over shared WebAssembly memory
  const open = (bytes: Uint8Array) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: ["wasm"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: 4,
    });
  const session = await open(model).catch((error: unknown) => refuseModel("wasm", error));
  const version = `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`;
  const guard: Guard = (work) => work(); // WebAssembly can be stopped at any time
  const identity = { device: "wasm", engine: version, threads: options.threads } as const;
  return loadedEngine(ort, session, identity, { guard, open, state: options.state });
}

const hintFor = (device: ActualDevice) =>
  device === "cuda" ? CUDA_HINT : device === "webgpu" ? WEBGPU_HINT : undefined;

/** Why a build of the engine does not load, and what to do about it where something can be done. */
function importFailure(error: unknown): { readonly reason: string; readonly remedy?: string } {
  const text = readableEngineError(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!code.endsWith("MODULE_NOT_FOUND")) return { reason: text.split(" Require stack:")[0]! };
  if (text.includes("onnxruntime_binding")) return { reason: `no binary for ${process.platform} ${process.arch}` };
  return { reason: "not installed", remedy: INSTALL_NATIVE };
}
