// Dual-input, dual-output training (Isong, Building Efficient Lightweight CNN Models, 2025, arXiv 2501.15547): every picture comes as it is and augmented, and the sum
// of both answers' losses is minimised. No official code was found: written from the paper's abstract.
import { add, split } from "../graph/build.ts";
import { binaryCrossEntropy, softCrossEntropy } from "./losses.ts";
import type { Objective } from "./objective.ts";

/**
 * The rows of `image` are all pictures as they are, then all of them augmented: (2 x batch, …). A model of two branches answers each half with a branch of its
 * own; any other answers all of them with the same weights. The accuracy that is shown is that of the first half.
 */
export function dualObjective(kind: "cross_entropy" | "binary_cross_entropy"): Objective {
  const lossOf = kind === "cross_entropy" ? softCrossEntropy : binaryCrossEntropy;
  return ({ scope, model: { architecture, config }, image, targets, mode }) => {
    const batch = Number(targets.shape[0]);
    const halves = [batch, batch];
    const answers =
      architecture.branches === undefined
        ? split(architecture.build(scope, image, config, mode).logits!, 0, halves)
        : architecture.branches(scope, split(image, 0, halves), config, mode);
    const [plain, augmented] = [answers[0]!, answers[1]!];
    return { loss: add(lossOf(plain, targets), lossOf(augmented, targets)), logits: plain };
  };
}
