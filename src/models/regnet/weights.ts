// RegNet checkpoints of facebookresearch/pycls and of GFNet, which is built on it -> timm's names. pycls calls a block's transform `f`, its
// convolutions `a`, `b`, `c`, and the shortcut's `proj` and `bn`. Its last layer is `head.fc`, GFNet's is `fc`, and that tells them apart where it
// matters: pycls was trained on pictures in the order blue, green, red.
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";

const BLOCK = "^(s\\d+\\.b\\d+)\\.";
const STEM = "stem.conv.weight";

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
  const isPycls = tensors.has("s1.b1.f.a.weight") && tensors.has("head.fc.weight");
  const stem = tensors.get(STEM);
  const named = new Map(remap(tensors, [RULES]));
  if (isPycls && stem?.shape.length === 4 && stem.shape[1] === 3) named.set(STEM, reversedChannels(stem));
  return named;
}

/** weight (out, 3, kernel, kernel) for pictures whose channels come in the opposite order. */
function reversedChannels(weight: TensorData): TensorData {
  const source = toFloat32(weight);
  const size = weight.shape[2]! * weight.shape[3]!;
  const data = source.map((_, i) => {
    const plane = Math.floor(i / size);
    const mirrored = plane - (plane % 3) + (2 - (plane % 3));
    return source[mirrored * size + (i % size)]!;
  });
  return tensor("float32", weight.shape, data);
}
