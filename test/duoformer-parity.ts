// A DuoFormer golden as a model. Of what is between the transformers cases hold the first regions, of the tokens in the end the first ones, the class token among them, which has
// no layer of its own.
import { defineModel } from "../src/models/registry.ts";
import type { TensorData } from "../src/tensor.ts";
import { loadGolden } from "./golden-case.ts";
import type { LayerCase } from "./layer-parity.ts";

const NAMES: Readonly<Record<string, string>> = { tokens: "regions", scale_out: "scales" };

export function duoformerCase(name: string): LayerCase {
  const golden = loadGolden(name)!;
  const outputs = new Map([...golden.outputs].map(([output, value]) => [output, regionByRegion(value)]));
  const place = (output: string) => {
    const [, block] = /^patch\.(\d+)$/.exec(output) ?? [];
    // The official blocks count from zero.
    return block === undefined
      ? { name: NAMES[output] ?? output }
      : { name: `block.${Number(block) + 1}`, skip: [0, 1, 0] };
  };
  return { golden: { ...golden, outputs }, definition: defineModel("duoformer", golden.config), place };
}

/** (N, regions, tokens, width) -> (N, regions * tokens, width); anything else as it is. */
function regionByRegion(value: TensorData): TensorData {
  const [n, regions, tokens, width] = value.shape;
  return width === undefined ? value : { ...value, shape: [n!, regions! * tokens!, width] };
}
