// What reads a class and a change of the box from a state: one pair a decoder layer, and a last one for proposals. Reproduces impiga/Plain-DETR, models/detr.py.
import { relu } from "../../graph/build.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { fixedWidth, linear, torchDefault, torchLinear } from "../../nn/linear.ts";

/** Share of the queries that have a class when training begins. */
const FIRST_SHARE = 0.01;

/** Glorot uniform. */
export function xavier(fanIn: number, fanOut: number): Initializer {
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return { kind: "uniform", low: -bound, high: bound };
}

/** states (N, Q, C) -> (N, Q, classes). `scope`: the model's. */
export function classHead(scope: Scope, layer: number, states: Tensor, classes: number): Tensor {
  return linear(scope.at("class_embed", layer), states, classes, {
    weightInit: torchDefault(fixedWidth(states)),
    biasInit: { kind: "constant", value: -Math.log((1 - FIRST_SHARE) / FIRST_SHARE) },
  });
}

/** states (N, Q, C) -> (N, Q, 4), nothing when training begins. `scope`: the model's. */
export function boxHead(scope: Scope, layer: number, states: Tensor): Tensor {
  const layers = scope.at("bbox_embed", layer, "layers");
  const width = fixedWidth(states);
  const hidden = relu(torchLinear(layers.at(1), relu(torchLinear(layers.at(0), states, width)), width));
  return linear(layers.at(2), hidden, 4, { weightInit: { kind: "zeros" } });
}
