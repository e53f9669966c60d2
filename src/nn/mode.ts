// Inference or training: what differs between the two graphs of one model. Randomness is never drawn inside a graph: a training graph
// declares inputs for its masks, and the host draws them from an explicit seed.
import { mul, reshape } from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";

/** One mask that a training graph wants: values 1 / keep with probability `keep`, else 0. */
export interface MaskInput {
  readonly name: string;
  readonly keep: number;
}

export class Mode {
  /** The masks that the graph declared, in order. Each is an input of shape [batch]. */
  readonly masks: MaskInput[] = [];

  private constructor(readonly training: boolean) {}

  static inference(): Mode {
    return new Mode(false);
  }

  static training(): Mode {
    return new Mode(true);
  }

  /** Stochastic depth: in training, x (batch, …) is zeroed for a random share `rate` of the batch and scaled up for the rest. */
  dropPath(graph: Graph, x: Tensor, rate: number, batch: Dim): Tensor {
    if (!this.training || rate === 0) return x;
    const name = `drop_path.${this.masks.length}`;
    this.masks.push({ name, keep: 1 - rate });
    const mask = graph.input(name, [batch]);
    return mul(x, reshape(mask, [batch, ...x.shape.slice(1).map(() => 1)]));
  }
}
