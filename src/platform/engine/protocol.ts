// What a session and its worker say to each other, in Node as in a page.
import { SessionError } from "../../errors.ts";
import type { ActualDevice, Device, ValueInfo } from "../../runtime/session.ts";
import {
  arrayFromBytes,
  bytesOf,
  type DType,
  elementCount,
  isShared,
  type TensorData,
  type TypedArray,
} from "../../tensor.ts";

/** A tensor on its way: name first, data as the typed array itself, which structured cloning keeps. */
export interface NamedTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** What an engine is opened with. `Surroundings` is what only one platform knows of. */
export interface EngineRequest<Surroundings> {
  readonly device: Device;
  readonly threads: number;
  /** Input name -> the output that replaces it after every run. */
  readonly state: Readonly<Record<string, string>>;
  readonly surroundings: Surroundings;
}

export type ToWorker<Surroundings = unknown> =
  | ({ readonly type: "load"; readonly model: Uint8Array } & EngineRequest<Surroundings>)
  | {
      readonly type: "run";
      readonly feeds: readonly NamedTensor[];
      readonly outputs: readonly string[];
      /** Of the model that reads the state. */
      readonly reads?: true;
    }
  | { readonly type: "reader"; readonly model: Uint8Array }
  | { readonly type: "state"; readonly names: readonly string[] }
  | { readonly type: "dispose" };

/** A SessionError on its way. */
export interface Failure {
  readonly message: string;
  readonly hint?: string;
  readonly data?: Record<string, unknown>;
}

/** What a model takes and gives. */
export interface Signature {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** What the worker tells once the model is loaded. */
export interface Loaded extends Signature {
  readonly device: ActualDevice;
  /** Package and version that execute: "onnxruntime-node 1.30.0". */
  readonly engine: string;
  readonly threads: number;
}

export type FromWorker =
  | { readonly type: "notice"; readonly line: string }
  | ({ readonly type: "loaded" } & Loaded)
  | ({ readonly type: "reading" } & Signature)
  | { readonly type: "result"; readonly outputs: readonly NamedTensor[] }
  | { readonly type: "failed"; readonly failure: Failure };

/** Tensors ready for postMessage, and the buffers that move with them. */
export interface Parcel {
  readonly tensors: readonly NamedTensor[];
  readonly transfer: readonly ArrayBuffer[];
}

/**
 * Packs tensors for another thread. `give` moves buffers that a tensor fills alone; anything else is copied, except memory that is shared
 * already. A copy is made here and moved, because cloning a view would copy the whole buffer behind it, and twice.
 */
export function packTensors(values: Readonly<Record<string, TensorData>>, give: boolean): Parcel {
  const transfer = new Set<ArrayBuffer>();
  const tensors = Object.entries(values).map(([name, { dtype, shape, data }]): NamedTensor => {
    if (isShared(data.buffer)) return { name, dtype, shape, data };
    const whole = data.byteLength === data.buffer.byteLength;
    // not data.slice(): that of a Node Buffer is a view of the same memory
    const sent = give && whole ? data : arrayFromBytes(dtype, new Uint8Array(bytesOf(data)));
    transfer.add(sent.buffer as ArrayBuffer);
    return { name, dtype, shape, data: sent };
  });
  return { tensors, transfer: [...transfer] };
}

/**
 * Buffers can be given away twice while a run waits in the queue. Posting an empty one does not fail here but in the other thread, so
 * this is checked first.
 *
 * @throws SessionError naming the feed whose memory is gone
 */
export function checkUntaken(parcel: Parcel): void {
  for (const { name, shape, data } of parcel.tensors)
    if (data.length !== elementCount(shape))
      throw new SessionError(`input "${name}": its buffer was given away before this run began`, {
        hint: "a buffer given away with transferInputs belongs to one run only",
        data: { input: name },
      });
}

export function unpackTensors(tensors: readonly NamedTensor[]): Record<string, TensorData> {
  return Object.fromEntries(
    tensors.map(({ name, dtype, shape, data }) => [name, { dtype, shape, data } as TensorData]),
  );
}
