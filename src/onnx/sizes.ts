// Sizes that are known only when the graph runs, as int64 values of the ONNX graph: read from the shape of an input where one has them,
// computed from those where it takes arithmetic, and each of them only once.
import { SaccadeError } from "../errors.ts";
import { type Dim, type DimFactor, dimTerms, type Shape } from "../graph/dimensions.ts";
import { tensor } from "../tensor.ts";
import type { Emitter, Value } from "./emitter.ts";

interface Place {
  readonly value: Value;
  readonly axis: number;
}

export class Sizes {
  readonly #emitter: Emitter;
  readonly #places = new Map<Dim, Place>();
  readonly #vectors = new Map<Dim, Value>();
  readonly #scalars = new Map<Dim, Value>();
  readonly #shapes = new Map<string, Value>();
  readonly #onRead: (input: Value) => void;

  /** `inputs` in order of preference; `onRead` hears which of them turned out to be needed. */
  constructor(
    emitter: Emitter,
    inputs: readonly { readonly value: Value; readonly shape: Shape }[],
    onRead: (input: Value) => void,
  ) {
    this.#emitter = emitter;
    this.#onRead = onRead;
    for (const { value, shape } of inputs)
      shape.forEach((size, axis) => {
        if (typeof size === "string" && !this.#places.has(size)) this.#places.set(size, { value, axis });
      });
  }

  /** States what a named size is that no input has: an int64 vector of one element that was computed. */
  define(name: string, vector: Value): void {
    this.#vectors.set(name, vector);
  }

  /** A size as an int64 vector of one element. `nearby` are values at hand that may have it (the op's own inputs). */
  vector(size: Dim, nearby: readonly { readonly value: Value; readonly shape: Shape }[] = []): Value {
    if (typeof size === "number") return this.#emitter.int64s([size]);
    const known = this.#vectors.get(size);
    if (known !== undefined) return known;
    const value = this.#emitter.within(`size/${size}`, () => this.#read(size, nearby) ?? this.#compute(size));
    this.#vectors.set(size, value);
    return value;
  }

  /** A size as an int64 scalar. */
  scalar(size: Dim): Value {
    if (typeof size === "number") return this.#emitter.constant(tensor("int64", [], BigInt64Array.of(BigInt(size))));
    const known = this.#scalars.get(size);
    if (known !== undefined) return known;
    const vector = this.vector(size);
    const value = this.#emitter.within(`size/${size}/scalar`, () =>
      this.#emitter.emit("Squeeze", [vector, this.#emitter.int64s([0])]),
    );
    this.#scalars.set(size, value);
    return value;
  }

  /** A shape as an int64 vector. */
  shape(shape: Shape, nearby: readonly { readonly value: Value; readonly shape: Shape }[] = []): Value {
    const numbers = shape.filter((size) => typeof size === "number");
    if (numbers.length === shape.length) return this.#emitter.int64s(numbers);
    const key = shape.join(", ");
    const known = this.#shapes.get(key);
    if (known !== undefined) return known;
    const pieces: Value[] = [];
    let run: number[] = [];
    const close = () => {
      if (run.length > 0) pieces.push(this.#emitter.int64s(run));
      run = [];
    };
    for (const size of shape) {
      if (typeof size === "number") run.push(size);
      else {
        close();
        pieces.push(this.vector(size, nearby));
      }
    }
    close();
    const value =
      pieces.length === 1
        ? pieces[0]!
        : this.#emitter.within(`shape/[${key}]`, () => this.#emitter.emit("Concat", pieces, { axis: { int: 0 } }));
    this.#shapes.set(key, value);
    return value;
  }

  #read(size: string, nearby: readonly { readonly value: Value; readonly shape: Shape }[]): Value | undefined {
    const place = this.#places.get(size);
    if (place !== undefined) this.#onRead(place.value);
    const found = place ?? nearest(size, nearby);
    if (found === undefined) return undefined;
    return this.#emitter.emit("Shape", [found.value], { start: { int: found.axis }, end: { int: found.axis + 1 } });
  }

  #compute(size: string): Value {
    const emit = (opType: string, a: Value, b: Value) => this.#emitter.emit(opType, [a, b]);
    const factor = (f: DimFactor): Value => {
      // ONNX's integer division truncates; the numerators of sizes (a window's room) are not negative, so it is the floor.
      if ("numerator" in f) return emit("Div", this.vector(f.numerator), this.#emitter.int64s([f.denominator]));
      if (f.name !== size) return this.vector(f.name);
      throw new SaccadeError("lower", `no input has a dimension that says how large "${f.name}" is`, {
        hint: `declare an input whose shape names "${f.name}", or use a fixed size`,
        data: { size: f.name },
      });
    };
    const terms = dimTerms(size).map(({ coefficient, factors }) => {
      const parts = factors.map(factor);
      if (coefficient !== 1 || parts.length === 0) parts.push(this.#emitter.int64s([coefficient]));
      return parts.reduce((a, b) => emit("Mul", a, b));
    });
    return terms.reduce((a, b) => emit("Add", a, b));
  }
}

function nearest(size: string, nearby: readonly { readonly value: Value; readonly shape: Shape }[]): Place | undefined {
  for (const { value, shape } of nearby) {
    const axis = shape.indexOf(size);
    if (axis >= 0) return { value, axis };
  }
  return undefined;
}
