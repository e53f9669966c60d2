// MobileNetV2 checkpoints of torchvision and of those who took their names from it (mit-han-lab's TSM, AdaFocus) -> timm's names. Blocks are counted
// through all stages as `features.N`; inside, torchvision has each convolution with its norm (`conv.0.0`, `conv.0.1`), the others have everything
// side by side (`conv.0`, `conv.1`, an activation, `conv.3`, …).
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";
import { MOBILENETV2_DEPTHS } from "./model.ts";

const BLOCKS = MOBILENETV2_DEPTHS.flatMap((depth, stage) =>
  Array.from({ length: depth }, (_, index) => [stage, index]),
);

/** The layers of a block in order: as timm calls them, as torchvision's later releases do, as its first and others' do. */
const SEPARABLE = [
  ["conv_dw", "0.0", "0"],
  ["bn1", "0.1", "1"],
  ["conv_pw", "1", "3"],
  ["bn2", "2", "4"],
] as const;
const INVERTED = [
  ["conv_pw", "0.0", "0"],
  ["bn1", "0.1", "1"],
  ["conv_dw", "1.0", "3"],
  ["bn2", "1.1", "4"],
  ["conv_pwl", "2", "6"],
  ["bn3", "3", "7"],
] as const;

function rulesOf(isNested: boolean): RenameRule[] {
  const rename = (from: string, to: string): RenameRule => ({
    pattern: new RegExp(`^${from.replaceAll(".", "\\.")}\\.(?=[^.]+$)`),
    to: `${to}.`,
  });
  const last = BLOCKS.length + 1;
  return [
    rename("features.0.0", "conv_stem"),
    rename("features.0.1", "bn1"),
    ...BLOCKS.flatMap(([stage, index], i) =>
      (i === 0 ? SEPARABLE : INVERTED).map(([own, nested, flat]) =>
        rename(`features.${i + 1}.conv.${isNested ? nested : flat}`, `blocks.${stage}.${index}.${own}`),
      ),
    ),
    rename(`features.${last}.0`, "conv_head"),
    rename(`features.${last}.1`, "bn2"),
    rename("classifier.1", "classifier"),
  ];
}

export function adoptMobilenetv2Weights(tensors: NamedTensors): NamedTensors {
  return remap(tensors, [rulesOf(tensors.has("features.1.conv.0.0.weight"))]);
}
