// A session whose engine lives in a worker, seen from the thread that owns it. What a worker is, and what to tell it besides, is the platform's.
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
  type StateReader,
  type ValueInfo,
} from "../../runtime/session.ts";
import { isShared, type TensorData } from "../../tensor.ts";
import { EngineClient, type StartThread } from "./engine-client.ts";
import {
  checkUntaken,
  type EngineRequest,
  type Loaded,
  packTensors,
  type Signature,
  type ToWorker,
  unpackTensors,
} from "./protocol.ts";

/** A session that knows what executes it. */
export interface EngineSession extends Session, AsyncDisposable {
  /** Package and version that execute the model: "onnxruntime-node 1.30.0". */
  readonly engine: string;
  /** Threads inside one run. */
  readonly threads: number;
  readonly closed: boolean;
}

/** How to open a model in a worker. */
export interface OpenSession<Surroundings> extends EngineRequest<Surroundings> {
  readonly start: StartThread;
  readonly onNotice: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** The bytes are known to be a model, and nobody else needs them: they move to the worker as they are. Default false. */
  readonly givesModel?: boolean | undefined;
}

/**
 * Loads a model in a worker of its own.
 *
 * @throws SessionError for bytes that are no model, a model that the engine refuses, a device that is not there
 * @throws AbortedError when the signal fires before the model is loaded
 * @throws UsageError for an unknown device
 */
export async function openSession<Surroundings>(
  model: Uint8Array,
  { start, onNotice, signal, givesModel = false, ...request }: OpenSession<Surroundings>,
): Promise<EngineSession> {
  checkDevice(request.device);
  if (signal?.aborted === true) throw new AbortedError("loading the model", signal.reason);
  if (!givesModel) checkModelBytes(model);
  const queue = new RunQueue();
  const client = new EngineClient(start, onNotice, (error) => queue.close(error));
  const shared = isShared(model.buffer);
  const bytes = shared || givesModel ? model : new Uint8Array(model);
  const message: ToWorker<Surroundings> = { type: "load", model: bytes, ...request };
  const load = () => client.ask("loaded", message, shared ? [] : [bytes.buffer as ArrayBuffer]);
  try {
    const loaded = await queue.submit("loading the model", load, signal);
    return new WorkerSession(client, queue, loaded, request.state);
  } catch (error) {
    const stopped = client.stop(); // after an abort a thread may first finish loading, in the background
    if (!(error instanceof AbortedError)) await stopped;
    throw error;
  }
}

/** @throws UsageError for an unknown device */
export function checkDevice(device: Device): void {
  if (!DEVICES.includes(device))
    throw new UsageError(`unknown device "${device}"`, `it is one of ${DEVICES.join(", ")}`);
}

class WorkerSession implements EngineSession {
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
    const values = await this.#run(this, feeds, options);
    for (const name of Object.keys(this.#state)) this.#held.add(name);
    return values;
  }

  async openReader(model: Uint8Array): Promise<StateReader> {
    if (this.#queue.closedBy !== undefined) throw this.#queue.closedBy;
    checkModelBytes(model);
    const shared = isShared(model.buffer);
    const bytes = shared ? model : new Uint8Array(model);
    const load = () =>
      this.#client.ask("reading", { type: "reader", model: bytes }, shared ? [] : [bytes.buffer as ArrayBuffer]);
    const { inputs, outputs } = await this.#queue.submit("loading the model that reads the state", load);
    const signature = { inputs, outputs };
    return { ...signature, run: (feeds, options = {}) => this.#read(signature, feeds, options) };
  }

  async #read(signature: Signature, feeds: Readonly<Record<string, TensorData>>, options: RunOptions) {
    // State that the reader does not read may be fed through it, too.
    const state = this.inputs.filter(({ name }) => Object.hasOwn(this.#state, name) && Object.hasOwn(feeds, name));
    const known = new Set(signature.inputs.map(({ name }) => name));
    const inputs = [...signature.inputs, ...state.filter(({ name }) => !known.has(name))];
    const values = await this.#run({ ...signature, inputs }, feeds, options, { reads: true });
    for (const { name } of state) this.#held.add(name);
    return values;
  }

  async #run(
    { inputs, outputs }: Signature,
    feeds: Readonly<Record<string, TensorData>>,
    options: RunOptions,
    more: { readonly reads?: true } = {},
  ): Promise<Record<string, TensorData>> {
    const { signal } = options;
    if (this.#queue.closedBy !== undefined) throw this.#queue.closedBy;
    if (signal?.aborted === true) throw new AbortedError("the run", signal.reason);
    checkFeeds(inputs, feeds, this.#held);
    const carried = new Set(Object.values(this.#state));
    const wanted = checkOutputNames(
      outputs,
      options.outputs ?? outputs.map(({ name }) => name).filter((name) => !carried.has(name)),
    );
    const parcel = packTensors(feeds, options.transferInputs ?? false); // now, not when its turn comes: the caller may change them
    const message: ToWorker = { type: "run", feeds: parcel.tensors, outputs: wanted, ...more };
    const send = async () => {
      checkUntaken(parcel);
      return this.#client.ask("result", message, parcel.transfer);
    };
    const answer = await this.#queue.submit("the run", send, signal);
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
    await this.#client.stop(this.device);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
