// Sessions in a page, over models that the test puts there.
import { createWebSession, type WebSession } from "../../../src/platform/web/session.ts";
import type { SessionOptions } from "../../../src/runtime/session.ts";
import { type DType, type TensorData, type TypedArray, tensor } from "../../../src/tensor.ts";
import { expose, fetchBytes } from "./expose.ts";

/** A tensor as JSON. */
export interface PlainTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

type PlainOptions = Pick<SessionOptions, "device" | "threads" | "state">;

const sessions: WebSession[] = [];

const api = {
  /** Opens a session; what else is called names it by the number that comes back. */
  async open(path: string, options: PlainOptions = {}) {
    const notices: string[] = [];
    const session = await createWebSession(await fetchBytes(path), {
      ...options,
      onNotice: (line) => notices.push(line),
    });
    const { device, engine, threads, inputs, outputs } = session;
    return { id: sessions.push(session) - 1, device, engine, threads, inputs, outputs, notices };
  },
  async run(id: number, feeds: Readonly<Record<string, PlainTensor>>, outputs?: readonly string[]) {
    const values = Object.entries(feeds).map(([name, value]) => [name, fromPlain(value)] as const);
    const answer = await sessions[id]!.run(Object.fromEntries(values), outputs === undefined ? {} : { outputs });
    return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, toPlain(value)]));
  },
  closed: (id: number) => sessions[id]!.closed,
  dispose: (id: number) => sessions[id]!.dispose(),
  isolated: () => crossOriginIsolated,
};

export type EngineApi = typeof api;

const fromPlain = ({ dtype, shape, data }: PlainTensor): TensorData =>
  tensor("float32", shape, Float32Array.from(data)).dtype === dtype
    ? tensor("float32", shape, Float32Array.from(data))
    : (() => {
        throw new Error(`the test feeds ${dtype}`);
      })();

const toPlain = ({ dtype, shape, data }: TensorData): PlainTensor => ({
  dtype,
  shape,
  data: Array.from(data as Exclude<TypedArray, BigInt64Array | BigUint64Array>),
});

expose(api);
