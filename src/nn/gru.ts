// One step of a gated recurrent unit, PyTorch's names and order of gates (torch.nn.GRU, one layer): reset, update, new. ONNX's GRU orders
// them update, reset, hidden; plain products need no translation, and differentiate like everything else.
import { add, gemm, mul, sigmoid, split, sub, tanh } from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fixedWidth, torchDefault } from "./linear.ts";

/**
 * x (batch, in) and the hidden state (batch, width) -> the next hidden state, which is also the output.
 *
 * @param hidden undefined stands for zeros, and spares their product
 */
export function gruStep(scope: Scope, x: Tensor, hidden: Tensor | undefined, width: number): Tensor {
  return scope.run(() => {
    const start = torchDefault(width); // by the width for all four, as PyTorch has it
    const inputWeight = scope.parameter("weight_ih_l0", [3 * width, fixedWidth(x)], start);
    const hiddenWeight = scope.parameter("weight_hh_l0", [3 * width, width], start);
    const inputBias = scope.parameter("bias_ih_l0", [3 * width], start);
    const hiddenBias = scope.parameter("bias_hh_l0", [3 * width], start);
    const gates = (all: Tensor) => split(all, -1, [width, width, width]) as [Tensor, Tensor, Tensor];
    const [resetX, updateX, newX] = gates(gemm(x, inputWeight, inputBias, { transposeB: true })); // each (batch, width)
    const [resetH, updateH, newH] = gates(
      hidden === undefined ? hiddenBias : gemm(hidden, hiddenWeight, hiddenBias, { transposeB: true }),
    );
    const reset = sigmoid(add(resetX, resetH));
    const update = sigmoid(add(updateX, updateH));
    const candidate = tanh(add(newX, mul(reset, newH))); // (batch, width)
    const fresh = mul(sub(1, update), candidate);
    return hidden === undefined ? fresh : add(fresh, mul(update, hidden));
  });
}
