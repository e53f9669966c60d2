// Which device a session in a page gets, and why not the better one. Runs inside the session's worker.
import { SessionError } from "../../errors.ts";
import type { Device } from "../../runtime/session.ts";
import { version } from "../../version.ts";
import type { LoadedEngine } from "../engine/loaded-engine.ts";
import type { EngineRequest, Failure } from "../engine/protocol.ts";
import type { OpenEngine } from "../engine/serve-requests.ts";
import { type CheckMemory, checkMemory } from "./check-memory.ts";
import { buildFor, buildOfFiles, loadBuild, type WebEngine } from "./engine.ts";
import type { EngineAddresses } from "./engine-files.ts";
import { type Adapter, findAdapter } from "./graphics.ts";
import { type Comparison, compareEngines, TOLERANCE } from "./self-check.ts";
import { countThreads } from "./threads.ts";

/** What the page tells its worker besides the model. */
export interface PageSurroundings {
  /** Where the engine's files are; undefined: beside the code. */
  readonly files: EngineAddresses | undefined;
  /** Whether WebGPU is compared with WebAssembly at a model's first load. */
  readonly check: boolean;
  /** Why there are no more threads. */
  readonly fewThreads: string | undefined;
}

type Request = EngineRequest<PageSurroundings> & { readonly onNotice: (line: string) => void };

const WASM_HINT = "use the device wasm, which runs everywhere, or auto";

/** @param die called when the engine cannot go on */
export function engineOpener(die: (failure: Failure) => void): OpenEngine<PageSurroundings> {
  let loaded: Promise<WebEngine> | undefined; // one build a worker: all stages of a model share it
  const load = (device: "wasm" | "webgpu", { threads, surroundings: { files } }: Request) => {
    loaded ??= loadBuild(buildFor(device, files), threads, files).catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };

  const onWasm = async (model: Uint8Array, request: Request): Promise<LoadedEngine> =>
    (await load("wasm", request)).open(model, "wasm", request.state);

  const onWebgpu = async (model: Uint8Array, adapter: Adapter, request: Request): Promise<Opened> => {
    const engine = await load("webgpu", request);
    const explain = (error: unknown) => {
      throw withReason(error, adapter);
    };
    const opened = await engine.open(model, "webgpu", request.state).catch(explain);
    // What the card does not have shows when its shaders are compiled, in the first run.
    const webgpu: LoadedEngine = { ...opened, run: (feeds, outputs) => opened.run(feeds, outputs).catch(explain) };
    await engine.onDeviceLost((reason) => die(deviceLost(reason)));
    const isChecked = request.surroundings.check && Object.keys(request.state).length === 0;
    if (!isChecked) return { webgpu, found: undefined };
    const memory = await memoryOf(model, adapter, request.surroundings.files);
    return { webgpu, found: (await memory.read()) ?? (await compareAndKeep(model, webgpu, engine, memory)) };
  };

  return async (model, request) => {
    const { device, onNotice, surroundings, threads } = request;
    if (device === "cpu" || device === "cuda") throw notInPages(device);
    if (device === "wasm") {
      if (surroundings.fewThreads !== undefined)
        onNotice(`saccade: ${countThreads(threads)}, because ${surroundings.fewThreads}`);
      return onWasm(model, request);
    }
    const adapter = await usableAdapter(surroundings.files);
    if (device === "webgpu") {
      if (typeof adapter === "string")
        throw new SessionError(`the device webgpu is not available: ${adapter}`, { hint: WASM_HINT, data: { device } });
      const { webgpu, found } = await onWebgpu(model, adapter, request);
      if (found === undefined || found.difference <= TOLERANCE) return webgpu;
      throw new SessionError(`WebGPU computes something else than WebAssembly here: ${tellDifference(found)}`, {
        hint: `${WASM_HINT}; newer drivers or another browser may help; check: false takes it as it is`,
        data: { device, ...found },
      });
    }
    const tell = (line: string) => onNotice(`saccade: ${line}`);
    const tellWasm = (reason: string) => {
      const one = surroundings.fewThreads === undefined ? "" : `; no more threads, because ${surroundings.fewThreads}`;
      tell(`using WebAssembly with ${countThreads(threads)}, not WebGPU: ${reason}${one}`);
    };
    if (typeof adapter === "string" || adapter.isSoftware) {
      tellWasm(typeof adapter === "string" ? adapter : `its only adapter is a software one (${adapter.name})`);
      return onWasm(model, request);
    }
    const before = surroundings.check
      ? await memoryOf(model, adapter, surroundings.files).then((memory) => memory.read())
      : undefined;
    const knownReason = before === undefined ? undefined : reasonAgainst(before, true);
    if (knownReason !== undefined) {
      tellWasm(knownReason);
      return onWasm(model, request);
    }
    const opened = await onWebgpu(model, adapter, request).catch((error: unknown) => String((error as Error).message));
    const reason = typeof opened === "string" ? opened : reasonAgainst(opened.found, surroundings.check);
    if (typeof opened !== "string" && reason === undefined) {
      tell(`using WebGPU (${adapter.name})`);
      return opened.webgpu;
    }
    if (typeof opened !== "string") await opened.webgpu.release();
    tellWasm(reason!);
    return onWasm(model, request);
  };
}

interface Opened {
  readonly webgpu: LoadedEngine;
  /** undefined: not checked, or nothing to check it with. */
  readonly found: Comparison | undefined;
}

async function usableAdapter(files: EngineAddresses | undefined): Promise<Adapter | string> {
  if (files !== undefined && buildOfFiles(files) === "wasm")
    return "the engine's files that were configured are of the build without it";
  return findAdapter();
}

/** What checks of this model on this adapter found, with this version of everything. */
function memoryOf(model: Uint8Array, { name }: Adapter, files: EngineAddresses | undefined): Promise<CheckMemory> {
  return checkMemory(model, { adapter: name, build: buildFor("webgpu", files), version });
}

async function compareAndKeep(
  model: Uint8Array,
  webgpu: LoadedEngine,
  engine: WebEngine,
  memory: CheckMemory,
): Promise<Comparison | undefined> {
  const wasm = await engine.open(model, "wasm", {});
  try {
    const found = await compareEngines(webgpu, wasm);
    if (found !== undefined) await memory.write(found);
    return found;
  } finally {
    await wasm.release();
  }
}

/** Why "auto" does not take WebGPU after all. */
function reasonAgainst(found: Comparison | undefined, isChecked: boolean): string | undefined {
  if (found === undefined) return isChecked ? "its answers could not be checked" : undefined;
  if (found.difference > TOLERANCE) return `it computes something else here: ${tellDifference(found)}`;
  if (found.webgpuMs <= found.wasmMs) return undefined;
  return `it is slower for this model here (${found.webgpuMs.toFixed(0)} ms instead of ${found.wasmMs.toFixed(0)} ms)`;
}

const tellDifference = ({ difference }: Comparison): string =>
  difference === Number.MAX_VALUE || !Number.isFinite(difference)
    ? "its answers are no numbers"
    : `its answers differ by ${(difference * 100).toPrecision(2)} % of the largest`;

function notInPages(device: Device): SessionError {
  return new SessionError(`the device ${device} is not available: a page has wasm and webgpu`, {
    hint: WASM_HINT,
    data: { device },
  });
}

/** An adapter without half precision is the usual reason why a model in half precision does not load. */
function withReason(error: unknown, { hasHalf, name }: Adapter): unknown {
  if (!(error instanceof SessionError) || hasHalf || !/\bf16\b/.test(error.message)) return error;
  return new SessionError(`this model is in half precision, which the adapter does not have (${name}, no shader-f16)`, {
    hint: "use the model in float32, or the device wasm",
    data: { ...error.data },
    cause: error.cause,
  });
}

function deviceLost(reason: string): Failure {
  return {
    message: `WebGPU's device was lost${reason === "" ? "" : `: ${reason.trim()}`}`,
    hint: "load the model again; where that fails too, use the device wasm",
    data: { device: "webgpu" },
  };
}
