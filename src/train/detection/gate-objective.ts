// How the gate of an encoder that may stop early learns (ECO-M2F's steps B and C; Yao et al., "Efficient Transformer Encoders for Mask2Former-style models", 2024): each picture of a
// batch is answered for at every exit, as at inference; what an exit is worth is the panoptic quality of its answer less `beta` for every layer; and the gate, which saw the coarsest
// map alone, learns which exit is worth most. All else keeps its values. The authors store qualities once for every picture, here they are those of the very views that the gate sees.
import {
  argMax,
  cast,
  concat,
  equal,
  iota,
  mul,
  reduceMean,
  reshape,
  softmax,
  stopGradient,
  sub,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mask2formerConfig } from "../../models/mask2former/config.ts";
import { answersAtExits, GATE } from "../../models/mask2former/model.ts";
import { Mode } from "../../nn/mode.ts";
import type { Gating } from "../annotated-fields.ts";
import { softCrossEntropy } from "../losses.ts";
import type { Objective } from "../objective.ts";
import { panopticQuality } from "./panoptic-quality.ts";

/** The loss of the gate of a Mask2Former that has one, and is to learn when to stop; needs annotations with masks. */
export function gateObjective({ beta, target, threshold }: Gating): Objective {
  return ({ scope, model, image, annotations }) => {
    const config = model.config as Mask2formerConfig;
    const { classes, masks, valid } = annotations();
    const { logits, answers } = answersAtExits(scope, image, config, Mode.inference());
    const options = { things: config.things, threshold };
    const qualities = answers.map((said) => panopticQuality(said, { classes, masks, valid }, options));
    const worth = worthOf(qualities, beta);
    const best = bestOf(worth);
    const { parameters } = scope.graph;
    return {
      loss: target === "soft" ? softDistance(logits, worth) : softCrossEntropy(logits, best),
      logits,
      targets: best,
      untouched: [...parameters.keys()].filter((name) => !name.startsWith(GATE)),
    };
  };
}

/** What each exit is worth, of (N) each -> (N, exits), without a gradient. */
function worthOf(qualities: readonly Tensor[], beta: number): Tensor {
  const columns = qualities.map((quality, i) => reshape(sub(quality, beta * (i + 1)), [quality.shape[0]!, 1]));
  return stopGradient(concat(columns, 1));
}

/** (N, exits): 1 at the exit that is worth most, the earliest of equal ones. */
function bestOf(worth: Tensor): Tensor {
  const [n, exits] = worth.shape as [number, number];
  return cast(
    equal(reshape(argMax(worth, 1), [n, 1]), reshape(iota(worth.graph, exits, "int64"), [1, exits])),
    "float32",
  );
}

/** The mean squared distance of both as probabilities, as the released code has it. */
function softDistance(logits: Tensor, worth: Tensor): Tensor {
  const difference = sub(softmax(logits), softmax(worth));
  return reduceMean(mul(difference, difference), [0, 1]);
}
