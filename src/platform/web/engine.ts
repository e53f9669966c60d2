// The one place in a page that imports ONNX Runtime: its builds for the web, each fetched when it is needed and not before. Everything here runs
// inside a session's worker.
import type * as Ort from "onnxruntime-web";
import { SessionError } from "../../errors.ts";
import { readableEngineError } from "../engine/engine-errors.ts";
import { type Guard, type LoadedEngine, loadedEngine, type OrtModule, refuseModel } from "../engine/loaded-engine.ts";
import type { EngineRequest, Failure } from "../engine/protocol.ts";
import type { OpenEngine } from "../engine/serve-requests.ts";

/** What the page tells its worker besides the model. */
export interface PageSurroundings {
  /** Where the engine's files are; undefined: beside the code. */
  readonly files: { readonly mjs?: string; readonly wasm: string } | undefined;
}

type Request = EngineRequest<PageSurroundings> & { readonly onNotice: (line: string) => void };

const importWasm = (): Promise<OrtModule> => import("onnxruntime-web/wasm");

const FILES_HINT =
  "serve ort-wasm-simd-threaded.wasm of onnxruntime-web/dist beside the page's code, or say where it is: configure({ wasm: { mjs, wasm } })";

/** Nothing of the processor outlives a worker, so nothing needs guarding. */
const unguarded: Guard = (work) => work();

/** @param onLost called when the engine cannot go on */
export function openWebEngine(_onLost: (failure: Failure) => void): OpenEngine<PageSurroundings> {
  return async (model, request) => openWasm(model, request);
}

async function openWasm(model: Uint8Array, request: Request): Promise<LoadedEngine> {
  const ort = await importWasm().catch((error: unknown) => {
    throw new SessionError(`ONNX Runtime's code could not be loaded: ${readableEngineError(error)}`, {
      hint: "serve the files that the bundler made from the page's own address",
      data: { device: "wasm" },
    });
  });
  ort.env.logLevel = "fatal";
  ort.env.wasm.numThreads = request.threads;
  const { files } = request.surroundings;
  if (files !== undefined) ort.env.wasm.wasmPaths = files;
  const open = (bytes: Uint8Array): Promise<Ort.InferenceSession> =>
    ort.InferenceSession.create(bytes, {
      executionProviders: ["wasm"],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: 4,
    });
  const session = await open(model).catch(refuse);
  const engine = `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`;
  const identity = { device: "wasm", engine, threads: request.threads } as const;
  return loadedEngine(ort, session, identity, { guard: unguarded, open, state: request.state });
}

function refuse(error: unknown): never {
  const text = error instanceof Error ? error.message : String(error);
  if (!text.startsWith("no available backend found")) refuseModel("wasm", error);
  const reason = text.replace(/^no available backend found\. ERR: \[\w+\] (?:\w*Error: )?/, "");
  throw new SessionError(`ONNX Runtime's WebAssembly could not be loaded: ${readableEngineError(reason)}`, {
    hint: FILES_HINT,
    data: { device: "wasm" },
    cause: error,
  });
}
