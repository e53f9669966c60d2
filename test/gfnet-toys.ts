// Two GFNets of a few thousand weights, as checkpoints in the official layout: made with the official classifier, policy and crops
// (network.py, utils.py) over a tiny ResNet by PyTorch 2.13, one in each of its file formats. Beside each is what it answers.
import { readFileSync } from "node:fs";
import { readSafetensors } from "../src/weights/safetensors.ts";
import { type GoldenCase, goldenPath, makeInput } from "./golden-case.ts";

export const TOY_KINDS = ["recurrent", "side-by-side"] as const;
export type ToyKind = (typeof TOY_KINDS)[number];

/** What the toys' checkpoints do not say: how their backbone differs from a ResNet-50, and the sizes that follow. */
export const TOY_CONFIG: Readonly<Record<ToyKind, Readonly<Record<string, unknown>>>> = {
  recurrent: {
    backbone: { block: "BasicBlock", layers: [1, 1, 1, 1], stem_channels: 8, channels: [8, 8, 12, 16] },
    image_size: 64,
    class_num: 10,
    policy_conv: true,
    policy_hidden_dim: 16,
    fc_hidden_dim: 16,
  },
  "side-by-side": {
    backbone: { block: "BasicBlock", layers: [1, 1, 1, 1], stem_channels: 8, channels: [8, 8, 12, 16] },
    image_size: 64,
    class_num: 10,
    policy_conv: true,
    policy_hidden_dim: 16,
    fc_rnn: false,
    fc_hidden_dim: null,
    glance_head: "encoder",
  },
};

export function toyPath(kind: ToyKind): string {
  return goldenPath(`gfnet/toy-${kind}.pth.tar`)!;
}

/** Four pictures of waves, (4, 3, 64, 64). */
export function toyPictures() {
  const cycles: [number, number][] = [
    [3, 1],
    [1, 2],
    [2, 3],
  ];
  return makeInput(
    { kind: "waves", name: "input", shape: [4, 3, 64, 64], scale: 0, offset: 0, amplitude: 1.5, cycles },
    0,
  );
}

/** `logits` (3, 4, 10) and `actions` (2, 4, 2). */
export function toyOutputs(kind: ToyKind): GoldenCase["outputs"] {
  return readSafetensors(readFileSync(goldenPath(`gfnet/toy-${kind}.safetensors`)!)).tensors;
}
