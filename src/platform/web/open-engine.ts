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

/** What it asks of the browser and of the engine; tests have their own. */
export interface OpenerParts {
  readonly findAdapter: typeof findAdapter;
  readonly loadBuild: typeof loadBuild;
  readonly checkMemory: typeof checkMemory;
}

/** @param die called when the engine cannot go on */
export function engineOpener(
  die: (failure: Failure) => void,
  parts: OpenerParts = { findAdapter, loadBuild, checkMemory },
): OpenEngine<PageSurroundings> {
  let loaded: Promise<WebEngine> | undefined; // one build a worker: all stages of a model share it
  const load = (device: "wasm" | "webgpu", { threads, surroundings: { files } }: Request) => {
    loaded ??= parts.loadBuild(buildFor(device, files), threads, files).catch((error: unknown) => {
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
    const memory = await memoryOf(model, adapter, request);
    return { webgpu, found: (await memory.read()) ?? (await compareAndKeep(model, webgpu, engine, memory)) };
  };

  /** What checks of this model on this adapter found, with this version of everything. */
  const memoryOf = (model: Uint8Array, { name }: Adapter, { surroundings: { files } }: Request): Promise<CheckMemory> =>
    parts.checkMemory(model, { adapter: name, build: buildFor("webgpu", files), version });

  const usableAdapter = async ({ surroundings: { files } }: Request): Promise<Adapter | string> =>
    files !== undefined && buildOfFiles(files) === "wasm"
      ? "the engine's files that were configured are of the build without it"
      : parts.findAdapter();

  const asked = async (model: Uint8Array, request: Request): Promise<LoadedEngine> => {
    const { device } = request;
    const adapter = await usableAdapter(request);
    if (typeof adapter === "string")
      throw new SessionError(`the device webgpu is not available: ${adapter}`, { hint: WASM_HINT, data: { device } });
    const { webgpu, found } = await onWebgpu(model, adapter, request);
    if (found === undefined || found.difference <= TOLERANCE) return webgpu;
    throw new SessionError(`WebGPU computes something else than WebAssembly here: ${tellDifference(found)}`, {
      hint: `${WASM_HINT}; newer drivers or another browser may help; check: false takes it as it is`,
      data: { device, ...found },
    });
  };

  /** WebGPU, or why not. */
  const bestOf = async (model: Uint8Array, request: Request): Promise<LoadedEngine | string> => {
    const { onNotice, state, surroundings } = request;
    const adapter = await usableAdapter(request);
    if (typeof adapter === "string") return adapter;
    if (adapter.isSoftware) return `its only adapter is a software one (${adapter.name})`;
    if (Object.keys(state).length > 0) return "a session that carries state is there only when it is asked for";
    const known = surroundings.check ? await (await memoryOf(model, adapter, request)).read() : undefined;
    const before = known === undefined ? undefined : reasonAgainst(known);
    if (before !== undefined) return before;
    try {
      const { webgpu, found } = await onWebgpu(model, adapter, request);
      const reason = found === undefined ? unchecked(surroundings) : reasonAgainst(found);
      if (reason === undefined) {
        onNotice(`saccade: using WebGPU (${adapter.name})`);
        return webgpu;
      }
      await webgpu.release();
      return reason;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  return async (model, request) => {
    const { device, onNotice, threads } = request;
    const { fewThreads } = request.surroundings;
    if (device === "cpu" || device === "cuda") throw notInPages(device);
    if (device === "webgpu") return asked(model, request);
    if (device === "auto") {
      const best = await bestOf(model, request);
      if (typeof best !== "string") return best;
      const more = fewThreads === undefined ? "" : `; no more threads, because ${fewThreads}`;
      onNotice(`saccade: using WebAssembly with ${countThreads(threads)}, not WebGPU: ${best}${more}`);
    } else if (fewThreads !== undefined) onNotice(`saccade: ${countThreads(threads)}, because ${fewThreads}`);
    return onWasm(model, request);
  };
}

interface Opened {
  readonly webgpu: LoadedEngine;
  /** undefined: not checked, or nothing to check it with. */
  readonly found: Comparison | undefined;
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

/** Why "auto" takes nothing that nobody compared, unless it was told to. */
const unchecked = ({ check }: PageSurroundings): string | undefined =>
  check ? "its answers could not be checked" : undefined;

/** Why "auto" does not take WebGPU after all. */
function reasonAgainst(found: Comparison): string | undefined {
  if (found.difference > TOLERANCE) return `it computes something else here: ${tellDifference(found)}`;
  if (found.webgpuMs <= found.wasmMs) return undefined;
  return `it is slower for this model here (${found.webgpuMs.toFixed(0)} ms instead of ${found.wasmMs.toFixed(0)} ms)`;
}

const tellDifference = ({ difference }: Comparison): string =>
  difference === Number.MAX_VALUE || !Number.isFinite(difference)
    ? "its answers are no numbers"
    : `its answers differ by ${Number((difference * 100).toPrecision(2))} % of the largest`;

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
