// A linear layer in eight bits, with standard operators: DynamicQuantizeLinear finds the scale of the activations at every run,
// MatMulInteger multiplies whole numbers, and scales and bias bring the result back to floats. ONNX Runtime fuses this to one kernel.
import type { Tensor } from "../../graph/tensor.ts";
import type { Emitter, Value } from "../emitter.ts";
import type { QuantizedWeight } from "../quantize.ts";
import { cast, type LoweringContext } from "./rule.ts";

/** Activations in eight bits: about (wholes - zeroPoint) * scale. */
interface QuantizedActivations {
  readonly wholes: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

/** What is computed in eight bits in one file. */
export class Quantization {
  readonly #emitter: Emitter;
  readonly #weights: ReadonlyMap<Tensor, QuantizedWeight>;
  readonly #activations = new Map<Value, QuantizedActivations>();

  constructor(emitter: Emitter, weights: ReadonlyMap<Tensor, QuantizedWeight>) {
    this.#emitter = emitter;
    this.#weights = weights;
  }

  /** The weight of a linear layer, when it is computed in eight bits. */
  weightOf(node: Tensor): QuantizedWeight | undefined {
    return this.#weights.get(node);
  }

  /** Quantises activations, once for all layers that read them. */
  activations(x: Value): QuantizedActivations {
    const known = this.#activations.get(x);
    if (known !== undefined) return known;
    const [wholes, scale, zeroPoint] = this.#emitter.emitSeveral("DynamicQuantizeLinear", [x], ["", "/scale", "/zero"]);
    const quantized = { wholes, scale, zeroPoint };
    this.#activations.set(x, quantized);
    return quantized;
  }
}

/** x (rows, in) times the weight, plus bias: (rows, out). */
export function quantizedLinear(
  context: LoweringContext,
  x: Value,
  { values, scales }: QuantizedWeight,
  bias: Value | undefined,
): Value {
  const { emitter, quantization } = context;
  const { wholes, scale, zeroPoint } = quantization.activations(x);
  const product = context.emit("MatMulInteger", [wholes, emitter.constant(values), zeroPoint]);
  const step = context.emit("Mul", [scale, emitter.constant(scales)]); // (out)
  const result = context.emit("Mul", [cast(context, product, "float32"), step]);
  return bias === undefined ? result : context.emit("Add", [result, bias]);
}
