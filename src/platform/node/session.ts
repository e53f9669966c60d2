// Sessions in Node. ONNX Runtime blocks the thread that calls it, native and WebAssembly alike, so each session lives in a worker thread of its
// own and the caller's event loop stays free, while the model loads too.
//
// Memory: the model's bytes are copied once for the worker (not at all when they lie in a SharedArrayBuffer), where the engine reads them into
// weights of its own; the copy is then dropped. Feeds are copied once when `run` is called, outputs move back without a copy.
import { AbortedError, SessionError, UsageError } from "../../errors.ts";
import { checkFeeds, checkOutputNames } from "../../runtime/feeds.ts";
import { checkModelBytes } from "../../runtime/model-bytes.ts";
import { RunQueue } from "../../runtime/run-queue.ts";
import {
  type ActualDevice,
  DEVICES,
  type Device,
  type RunOptions,
  type Session,
  type SessionOptions,
  type ValueInfo,
} from "../../runtime/session.ts";
import type { TensorData } from "../../tensor.ts";
import { EngineClient } from "./engine-client.ts";
import { machineCores, usableCores } from "./machine.ts";
import { checkUntaken, type Loaded, packTensors, type ToWorker, unpackTensors } from "./protocol.ts";
import { workerEntry } from "./workers.ts";

/** A session in a worker thread of this process. */
export interface NodeSession extends Session, AsyncDisposable {
  /** Package and version that execute the model: "onnxruntime-node 1.30.0". */
  readonly engine: string;
  /** Threads inside one run. */
  readonly threads: number;
  readonly closed: boolean;
}

/**
 * Loads a model in a new worker thread. "auto" is CUDA where its library works, else the CPU, else WebAssembly with a notice; a device asked
 * for by name is that device or an error.
 *
 * An idle session does not keep the process alive, a run under way does.
 *
 * @param model ONNX bytes. They may change afterwards, unless they lie in a SharedArrayBuffer: then not before this resolves.
 * @param entry the worker's module, for tests
 * @throws SessionError for bytes that are no model, a model that the engine refuses, a device that is not there
 * @throws AbortedError when `options.signal` fires before the model is loaded
 * @throws UsageError for an unknown device or a number of threads that is not a whole number of at least 1
 * @example
 * await using session = await createNodeSession(await readFile("model.onnx"), { threads: 2 });
 * const { logits } = await session.run({ image: tensor("float32", [1, 3, 224, 224], pixels) });
 */
export async function createNodeSession(
  model: Uint8Array,
  options: SessionOptions = {},
  entry: URL = workerEntry("session-worker"),
): Promise<NodeSession> {
  const { device = "auto", onNotice = printNotice, signal, state = {}, tracePrefix } = options;
  const threads = sessionThreads(options.threads, onNotice);
  checkDevice(device);
  if (signal?.aborted === true) throw new AbortedError("loading the model", signal.reason);
  checkModelBytes(model);
  const queue = new RunQueue();
  const client = new EngineClient(entry, onNotice, (error) => queue.close(error));
  const shared = model.buffer instanceof SharedArrayBuffer;
  const bytes = shared ? model : new Uint8Array(model);
  const { section } = client;
  const message: ToWorker = { type: "load", model: bytes, device, threads, section, state, tracePrefix };
  const load = () => client.ask("loaded", message, shared ? [] : [bytes.buffer as ArrayBuffer]);
  try {
    const loaded = await queue.submit("loading the model", load, signal);
    return new WorkerSession(client, queue, loaded, state);
  } catch (error) {
    const stopped = client.stop(false); // after an abort the thread first finishes loading, in the background
    if (!(error instanceof AbortedError)) await stopped;
    throw error;
  }
}

/** @throws UsageError for an unknown device */
export function checkDevice(device: Device): void {
  if (!DEVICES.includes(device))
    throw new UsageError(`unknown device "${device}"`, `it is one of ${DEVICES.join(", ")}`);
}

/**
 * How many threads a session gets: no more than the machine has cores, because the engine's threads spin while they wait, and thousands of them
 * never get anywhere.
 *
 * @param asked default: all cores that this process may use
 * @throws UsageError for what is not a whole number of at least 1
 */
export function sessionThreads(asked: number | undefined, onNotice: (line: string) => void): number {
  const threads = asked ?? usableCores();
  if (!Number.isInteger(threads) || threads < 1)
    throw new UsageError(`threads must be a whole number of at least 1, got ${threads}`);
  const most = machineCores();
  if (threads <= most) return threads;
  onNotice(`saccade: ${threads} threads are more than the ${most} cores of this machine; taking ${most}`);
  return most;
}

class WorkerSession implements NodeSession {
  readonly device: ActualDevice;
  readonly engine: string;
  readonly threads: number;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #client: EngineClient;
  readonly #queue: RunQueue;
  readonly #state: Readonly<Record<string, string>>;
  readonly #held = new Set<string>();

  constructor(client: EngineClient, queue: RunQueue, loaded: Loaded, state: Readonly<Record<string, string>>) {
    this.#state = state;
    this.#client = client;
    this.#queue = queue;
    this.device = loaded.device;
    this.engine = loaded.engine;
    this.threads = loaded.threads;
    this.inputs = loaded.inputs;
    this.outputs = loaded.outputs;
  }

  get closed(): boolean {
    return this.#queue.closedBy !== undefined;
  }

  async run(
    feeds: Readonly<Record<string, TensorData>>,
    options: RunOptions = {},
  ): Promise<Record<string, TensorData>> {
    const { signal } = options;
    if (this.#queue.closedBy !== undefined) throw this.#queue.closedBy;
    if (signal?.aborted === true) throw new AbortedError("the run", signal.reason);
    checkFeeds(this.inputs, feeds, this.#held);
    const carried = new Set(Object.values(this.#state));
    const outputs = checkOutputNames(
      this.outputs,
      options.outputs ?? this.outputs.map(({ name }) => name).filter((name) => !carried.has(name)),
    );
    const parcel = packTensors(feeds, options.transferInputs ?? false); // now, not when its turn comes: the caller may change them
    const message: ToWorker = { type: "run", feeds: parcel.tensors, outputs };
    const send = async () => {
      checkUntaken(parcel);
      return this.#client.ask("result", message, parcel.transfer);
    };
    const answer = await this.#queue.submit("the run", send, signal);
    for (const name of Object.keys(this.#state)) this.#held.add(name);
    return unpackTensors(answer.outputs);
  }

  async readState(names: readonly string[] = Object.keys(this.#state)): Promise<Record<string, TensorData>> {
    if (this.#queue.closedBy !== undefined) throw this.#queue.closedBy;
    const answer = await this.#queue.submit("reading state", () =>
      this.#client.ask("result", { type: "state", names }, []),
    );
    const values = unpackTensors(answer.outputs);
    const absent = names.filter((name) => values[name] === undefined);
    if (absent.length > 0)
      throw new SessionError(`the state holds no ${absent.slice(0, 5).join(", ")}`, { hint: "feed it in a run first" });
    return values;
  }

  async dispose(): Promise<void> {
    this.#queue.close(new SessionError("the session has been disposed"));
    await this.#client.stop(this.device === "wasm");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

const printed = new Set<string>();

/** To stderr, each line once in a process: the sessions of a pool all have the same to say. */
export function printNotice(line: string): void {
  if (printed.has(line)) return;
  printed.add(line);
  process.stderr.write(`${line}\n`);
}
