// A Session runs the bytes of one ONNX model. Implementations live in platform/; everything above sees only this interface.
import type { DType, TensorData } from "../tensor.ts";

export const DEVICES = ["auto", "cpu", "cuda", "webgpu", "wasm"] as const;
/** Where a model runs. "auto" takes the best that is there. */
export type Device = (typeof DEVICES)[number];
export type ActualDevice = Exclude<Device, "auto">;

export interface SessionOptions {
  /** Default "auto". */
  readonly device?: Device;
  /** Threads inside one run. Default: the number of cores for one session. */
  readonly threads?: number;
  /** Receives one line when something other than what was asked for is used (native engine missing: WASM). Default: stderr. */
  readonly onNotice?: (line: string) => void;
  readonly signal?: AbortSignal;
  /**
   * WebGPU in a page: the first load of a model on an adapter runs once on WebAssembly as well, and refuses WebGPU where its answers are others.
   * Sessions with state are not checked. Default true.
   */
  readonly check?: boolean;
  /**
   * Tensors that one run hands to the next inside the engine: input name -> the output that replaces it. They are fed once, stay where the
   * engine is, and `readState` gives copies. This is how a compiled train step keeps its parameters.
   */
  readonly state?: Readonly<Record<string, string>>;
  /**
   * Records what every operator takes, in ONNX Runtime's trace format, to a file that begins with this path; the engine adds date, time and
   * ".json". Complete once the session is disposed. Runs get slower. Native engine only.
   */
  readonly tracePrefix?: string;
}

/** One input or output of a model. A number is a fixed size, a string names a free one. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

export interface RunOptions {
  /** Only these outputs are computed and copied. Default: all that are not state. */
  readonly outputs?: readonly string[];
  /** Checked before the run starts and while it waits in the queue; a run that has begun finishes, but its promise rejects at once. */
  readonly signal?: AbortSignal;
  /**
   * The caller gives the feeds' memory away: buffers that belong to one tensor alone move to the engine instead of being copied, and are
   * empty (detached) afterwards. Default false: feeds are copied when `run` is called, so they may change at once. Tensors over a
   * SharedArrayBuffer are never copied by the caller's thread and must not change until the run settles.
   */
  readonly transferInputs?: boolean;
}

/** A loaded model. Runs are queued: concurrent calls are safe and execute one after another. */
export interface Session {
  readonly device: ActualDevice;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** True once disposed or once the engine died; every further run rejects. A session that cannot know leaves it out. */
  readonly closed?: boolean;
  /** Throws SessionError for unknown names, wrong dtypes or shapes the model does not take; AbortedError when the signal fires. */
  run(feeds: Readonly<Record<string, TensorData>>, options?: RunOptions): Promise<Record<string, TensorData>>;
  /** Copies of state tensors (default: all), by input name. Throws SessionError for names that no run or feed has set yet. */
  readState?(names?: readonly string[]): Promise<Record<string, TensorData>>;
  /**
   * Opens a further model where this one is, which reads its state: inputs of the state's names need not be fed, whatever is fed of them becomes the
   * state, and a run changes nothing else. A session has one reader at most, which goes with it.
   *
   * @throws SessionError for bytes that are no model, and for a second reader
   */
  openReader?(model: Uint8Array): Promise<StateReader>;
  /** Frees the engine's memory. Pending runs reject. Idempotent. */
  dispose(): Promise<void>;
}

/** A model that computes with another session's state. Runs of both are queued together. */
export type StateReader = Pick<Session, "inputs" | "outputs" | "run">;
