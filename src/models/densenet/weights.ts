// DenseNet checkpoints of torchvision's first releases -> today's names: "denselayer1.norm.1.weight" became "denselayer1.norm1.weight".
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";

const FIRST_RELEASE: RenameRule = { pattern: /(denselayer\d+\.(?:norm|conv))\.([12])\./, to: "$1$2." };

export function adoptDensenetWeights(tensors: NamedTensors): NamedTensors {
  return remap(tensors, [[FIRST_RELEASE]]);
}
