// SparK as a pretext: most patches of a picture are hidden, and the network learns to say what was there (Tian et al., "Designing BERT for Convolutional
// Networks: Sparse and Hierarchical Masked Modeling", ICLR 2023). From the description of the paper and of keyu-tian/SparK (MIT).
import { cast, gatherElements, greaterOrEqual, reshape, slice, topK } from "../../../graph/build.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { ModelDefinition } from "../../../models/registry.ts";
import type { DrawnInput, Objective } from "../../objective.ts";
import { PRETEXT_SCOPE, type Spark } from "../fields.ts";
import { type PatchGrid, patchGrid, sparseEncoder } from "./encoder.ts";
import { hiddenPatchLoss, reconstruction } from "./reconstruction.ts";

/** The decoder's width in the paper, which is more than a small network's own. */
const WIDEST = 768;

/**
 * The objective: the mean squared difference at hidden patches, each normalised; 1 is what a guess of the mean of every patch comes to. The decoder is no
 * part of the model, whose last layers the loss does not see.
 *
 * @throws UsageError for a model that is not one of the convolutional families; the objective for pictures that are not two or more of its patches
 */
export function sparkObjective({ hidden, decoder_width }: Spark, model: ModelDefinition): Objective {
  const encoder = sparseEncoder(model);
  const decoderWidth = decoder_width ?? Math.min(WIDEST, encoder.channels);
  return ({ scope, image, mode, draw }) => {
    const [batch, , height, width] = image.shape as [number, number, number, number];
    const visible = drawnPatches(draw, batch, patchGrid(encoder, { height, width }), hidden);
    const auxiliary = scope.at(PRETEXT_SCOPE, "spark");
    const { picture } = reconstruction({ encoder, scope, auxiliary, image, visible, mode, decoderWidth });
    return { loss: hiddenPatchLoss(image, picture, visible) };
  };
}

/** Patches at random places, equally many of each picture: (batch, 1, rows, columns), 1 for what is seen. At least one is seen, and one hidden. */
function drawnPatches(
  draw: (input: DrawnInput) => Tensor,
  batch: number,
  { rows, columns }: PatchGrid,
  hidden: number,
): Tensor {
  const count = rows * columns;
  const kept = Math.min(count - 1, Math.max(1, Math.round(count * (1 - hidden))));
  const drawn = draw({ name: "patches", shape: [batch, count], distribution: "uniform" });
  const last = gatherElements(drawn, slice(topK(drawn, kept), 1, kept - 1, kept), 1); // (batch, 1)
  return reshape(cast(greaterOrEqual(drawn, last), "float32"), [batch, 1, rows, columns]);
}
