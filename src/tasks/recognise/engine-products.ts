// The heavy products of learning in the engine, in float32: many times as fast as plain TypeScript. The matrix is a constant of a few models, each with
// a part of the rows, so that only weights and scores move, and no more than one part is ever there twice.
import { add, gather, gemm, neg } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import { Graph } from "../../graph/tensor.ts";
import type { FeatureMatrix } from "../../learn/feature-matrix.ts";
import { type FeatureProducts, type Products, type ProductsOf, plainProducts } from "../../learn/products.ts";
import { breathe } from "../../learn/stop.ts";
import { lower } from "../../onnx/lower.ts";
import type { Host } from "../../platform/host.ts";
import type { Session, SessionOptions } from "../../runtime/session.ts";
import { type TensorData, tensor } from "../../tensor.ts";

/** Numbers in one part: 16 MB, which are there a few times over while a model of them is made. */
const PART = 4 * 2 ** 20;
/** Below this many multiplications of a Gram matrix, making a session takes longer than it saves. */
const WORTHWHILE = 5e8;

export interface EngineProductsOptions extends Pick<SessionOptions, "device" | "threads" | "onNotice"> {
  /** Rows x width² from which on the engine is used. Default 5e8. */
  readonly worthwhile?: number;
  /** Numbers in one part of the rows. Default 4 M. */
  readonly part?: number;
}

/** Products in the engine where that pays, else in plain TypeScript. */
export function engineProducts(
  host: Pick<Host, "createSession">,
  { worthwhile = WORTHWHILE, part = PART, ...options }: EngineProductsOptions = {},
): ProductsOf {
  return async (features, signal) => {
    const { rows, width } = features;
    if (rows * width * width < worthwhile) return plainProducts(features, signal);
    const open: Open = (graph, parameters = {}) =>
      host.createSession(
        lower(graph, { parameters: new Map(Object.entries(parameters)), target: "onnxruntime" }),
        signal === undefined ? options : { ...options, signal },
      );
    return new GivenRows(features, { open, part, signal });
  };
}

/** How parts are made. */
interface Making {
  readonly open: Open;
  readonly part: number;
  readonly signal: AbortSignal | undefined;
}

type Open = (graph: Graph, parameters?: Readonly<Record<string, TensorData>>) => Promise<Session>;

const matrix = (rows: number, columns: number, values: ArrayLike<number>) =>
  tensor("float32", [rows, columns], values instanceof Float32Array ? values : Float32Array.from(values));

/** Rows [from, to) that are computed together. */
function partsOf(rows: number, width: number, part: number): { from: number; to: number }[] {
  const step = Math.max(1, Math.floor(part / width));
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => ({
    from: i * step,
    to: Math.min((i + 1) * step, rows),
  }));
}

/** Features as the caller has them. They are only held by the engine once they are multiplied with. */
class GivenRows implements FeatureProducts {
  readonly precision = "float32";
  readonly rows: number;
  readonly width: number;
  readonly #features: FeatureMatrix;
  readonly #making: Making;
  #held: Promise<HeldRows> | undefined;

  constructor(features: FeatureMatrix, making: Making) {
    this.rows = features.rows;
    this.width = features.width;
    this.#features = features;
    this.#making = making;
  }

  async times(weights: Float64Array, columns: number): Promise<Float64Array> {
    return (await this.#hold()).times(weights, columns);
  }

  async transposeTimes(values: Float64Array, columns: number): Promise<Float64Array> {
    return (await this.#hold()).transposeTimes(values, columns);
  }

  async copyRows(from: number, to: number): Promise<Float64Array> {
    return new Float64Array(this.#features.data.subarray(from * this.width, to * this.width));
  }

  async gram(center: Float64Array): Promise<Float64Array> {
    const { width } = this;
    const graph = new Graph();
    const rows = centered(graph, width);
    graph.output("gram", gemm(rows, rows, undefined, { transposeA: true }));
    const session = await this.#making.open(graph);
    const total = new Float64Array(width * width);
    try {
      // Small parts, added in float64: float32 sums of many rows lose digits.
      const step = Math.max(1, Math.floor(this.#making.part / 4 / width));
      for (let from = 0; from < this.rows; from += step) {
        const { gram } = await this.#run(session, this.#feeds(from, Math.min(from + step, this.rows), center));
        const part = gram!.data as Float32Array;
        for (let i = 0; i < total.length; i++) total[i] = total[i]! + part[i]!;
      }
    } finally {
      await session.dispose();
    }
    return total;
  }

  async rotated(center: Float64Array, rotation: Float64Array): Promise<Products> {
    const { width } = this;
    const graph = new Graph();
    const turn = graph.parameter("rotation", [width, width], { kind: "zeros" });
    graph.output("turned", gemm(centered(graph, width), turn));
    const session = await this.#making.open(graph, { rotation: matrix(width, width, rotation) });
    try {
      return await HeldRows.make(this.rows, width, this.#making, async (from, to) => {
        const { turned } = await this.#run(session, this.#feeds(from, to, center));
        return turned as TensorData<"float32">;
      });
    } finally {
      await session.dispose();
    }
  }

  async dispose(): Promise<void> {
    await (await this.#held?.catch(() => undefined))?.dispose();
  }

  #hold(): Promise<HeldRows> {
    this.#held ??= HeldRows.make(this.rows, this.width, this.#making, async (from, to) => this.#part(from, to));
    return this.#held;
  }

  #part(from: number, to: number): TensorData<"float32"> {
    return matrix(
      to - from,
      this.width,
      Float32Array.from(this.#features.data.subarray(from * this.width, to * this.width)),
    );
  }

  #feeds(from: number, to: number, center: Float64Array): Record<string, TensorData> {
    return { rows: this.#part(from, to), center: tensor("float32", [this.width], Float32Array.from(center)) };
  }

  async #run(session: Session, feeds: Record<string, TensorData>) {
    await breathe(this.#making.signal);
    return session.run(feeds, { transferInputs: true });
  }
}

/** Rows less a centre, both fed. */
function centered(graph: Graph, width: number) {
  return add(graph.input("rows", ["rows" as Dim, width]), neg(graph.input("center", [width])));
}

/** One model: a part of the rows as a constant, with what is asked of it. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly session: Session;
}

class HeldRows implements Products {
  readonly precision = "float32";
  readonly rows: number;
  readonly width: number;
  readonly #parts: readonly Part[];
  readonly #signal: AbortSignal | undefined;

  private constructor(rows: number, width: number, parts: readonly Part[], signal: AbortSignal | undefined) {
    this.rows = rows;
    this.width = width;
    this.#parts = parts;
    this.#signal = signal;
  }

  /** @param rowsOf makes the rows of a part, which are dropped once the engine has them */
  static async make(
    rows: number,
    width: number,
    { open, part, signal }: Making,
    rowsOf: (from: number, to: number) => Promise<TensorData<"float32">>,
  ): Promise<HeldRows> {
    const parts: Part[] = [];
    try {
      for (const { from, to } of partsOf(rows, width, part))
        parts.push({ from, to, session: await open(partGraph(to - from, width), { held: await rowsOf(from, to) }) });
    } catch (error) {
      await Promise.all(parts.map(({ session }) => session.dispose()));
      throw error;
    }
    return new HeldRows(rows, width, parts, signal);
  }

  async times(weights: Float64Array, columns: number): Promise<Float64Array> {
    const out = new Float64Array(this.rows * columns);
    for (const part of this.#parts) {
      const fed = matrix(this.width, columns, weights);
      out.set(await this.#ask(part, "scores", { weights: fed }), part.from * columns);
    }
    return out;
  }

  async transposeTimes(values: Float64Array, columns: number): Promise<Float64Array> {
    const out = new Float64Array(this.width * columns);
    for (const part of this.#parts) {
      const of = matrix(part.to - part.from, columns, values.subarray(part.from * columns, part.to * columns));
      const sums = await this.#ask(part, "sums", { values: of });
      for (let i = 0; i < out.length; i++) out[i] = out[i]! + sums[i]!;
    }
    return out;
  }

  async copyRows(from: number, to: number): Promise<Float64Array> {
    const out = new Float64Array((to - from) * this.width);
    for (const part of this.#parts) {
      const [first, last] = [Math.max(from, part.from), Math.min(to, part.to)];
      if (first >= last) continue;
      const places = BigInt64Array.from({ length: last - first }, (_, i) => BigInt(first + i - part.from));
      const copied = await this.#ask(part, "copied", { places: tensor("int64", [places.length], places) });
      out.set(copied, (first - from) * this.width);
    }
    return out;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#parts.map(({ session }) => session.dispose()));
  }

  /** One output; what the others need is fed as small as can be. */
  async #ask({ from, to, session }: Part, output: string, feeds: Record<string, TensorData>): Promise<Float32Array> {
    const all = {
      weights: matrix(this.width, 1, new Float32Array(this.width)),
      values: matrix(to - from, 1, new Float32Array(to - from)),
      places: tensor("int64", [1], new BigInt64Array(1)),
      ...feeds,
    };
    // Runs are short and many at once: each looks at the signal before it begins, where a signal for each would have hundreds of listeners.
    await breathe(this.#signal);
    // Every feed was made for this one run.
    return (await session.run(all, { outputs: [output], transferInputs: true }))[output]!.data as Float32Array;
  }
}

function partGraph(rows: number, width: number): Graph {
  const graph = new Graph();
  const held = graph.parameter("held", [rows, width], { kind: "zeros" });
  graph.output("scores", gemm(held, graph.input("weights", [width, "columns" as Dim])));
  graph.output("sums", gemm(held, graph.input("values", [rows, "sets" as Dim]), undefined, { transposeA: true }));
  graph.output("copied", gather(held, graph.input("places", ["copies" as Dim], "int64"), 0));
  return graph;
}
