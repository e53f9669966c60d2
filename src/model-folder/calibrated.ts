// A model whose answers are as sure as they are right: its last layers times a factor (Guo et al., On Calibration of Modern Neural Networks, 2017).
// Nothing else of it changes, so it is a model like any other, wherever it goes.
import { classParameters } from "../models/class-parameters.ts";
import { type TensorData, tensor, toFloat32 } from "../tensor.ts";
import { inPrecision } from "./convert.ts";
import type { NativeModel } from "./model.ts";

/** Factors of logits, which are 1 / temperature. */
export interface LogitScales {
  /** Of the answer. */
  readonly answer: number;
  /** Of early answers (`exits.N`), in their order. */
  readonly exits: readonly number[];
}

/** The same model with logits times these factors. Weights keep their precision. */
export function withLogitScales(model: NativeModel, classes: number, scales: LogitScales): NativeModel {
  const last = classParameters(model.definition, classes);
  const scaled = (name: string, value: TensorData): TensorData => {
    if (!last.has(name)) return value;
    const exit = /^exits\.(\d+)\./.exec(name);
    const scale = exit === null ? scales.answer : (scales.exits[Number(exit[1])] ?? 1);
    const numbers = tensor(
      "float32",
      value.shape,
      toFloat32(value).map((number) => number * scale),
    );
    return value.dtype === "float16" ? inPrecision(new Map([[name, numbers]]), "float16").get(name)! : numbers;
  };
  return { ...model, weights: new Map([...model.weights].map(([name, value]) => [name, scaled(name, value)])) };
}
