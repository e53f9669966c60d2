// RegNet checkpoints of facebookresearch/pycls and of GFNet, which is built on it -> timm's names. pycls calls a block's transform `f`, its
// convolutions `a`, `b`, `c`, and the shortcut's `proj` and `bn`. GFNet's last layer is `fc`, that of pycls `head.fc`.
// The pictures of pycls's own weights had their channels in the order blue, green, red; GFNet's encoders were trained on red, green, blue.
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";

const BLOCK = "^(s\\d+\\.b\\d+)\\.";

const RULES: readonly RenameRule[] = [
  ...[..."abc"].flatMap((letter, i): RenameRule[] => [
    { pattern: new RegExp(`${BLOCK}f\\.${letter}\\.`), to: `$1.conv${i + 1}.conv.` },
    { pattern: new RegExp(`${BLOCK}f\\.${letter}_bn\\.`), to: `$1.conv${i + 1}.bn.` },
  ]),
  { pattern: new RegExp(`${BLOCK}f\\.se\\.f_ex\\.0\\.`), to: "$1.se.fc1." },
  { pattern: new RegExp(`${BLOCK}f\\.se\\.f_ex\\.2\\.`), to: "$1.se.fc2." },
  { pattern: new RegExp(`${BLOCK}proj\\.`), to: "$1.downsample.conv." },
  { pattern: new RegExp(`${BLOCK}bn\\.`), to: "$1.downsample.bn." },
  { pattern: /^fc\./, to: "head.fc." },
];

export function adoptRegnetWeights(tensors: NamedTensors): NamedTensors {
  return remap(tensors, [RULES]);
}
