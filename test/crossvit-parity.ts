// A golden of the official CrossViT as a model. There a configuration names the sizes that the branches see, here the picture's and each branch's share of it; and the
// branches' class tokens are one vector here.
import { defineModel, registry } from "../src/models/registry.ts";
import { type TensorData, tensor } from "../src/tensor.ts";
import { type GoldenCase, loadGolden } from "./golden-case.ts";
import type { LayerCase } from "./layer-parity.ts";

interface OfficialConfig {
  /** Called after the smaller of both sizes, where timm has the larger one. */
  readonly factory?: string;
  readonly img_size?: readonly number[];
  readonly norm_layer?: string;
}

const timmName = (factory: string) => factory.replace(/_224$/, "_240").replace(/_384$/, "_408");

export function crossvitCase(name: string): LayerCase {
  const golden = loadGolden(name)!;
  const { factory, img_size, norm_layer: _, ...fields } = golden.config as OfficialConfig;
  const model = factory === undefined ? "crossvit" : timmName(factory);
  const side = golden.image.shape[2]!;
  const seen = img_size ?? seenBy(model);
  const definition = defineModel(model, { ...fields, img_size: side, img_scale: seen.map((size) => size / side) });
  return { golden: withOneVector(golden), definition, place: (output) => ({ name: output }) };
}

/** Pixels that each branch of a registered model sees. */
function seenBy(model: string): number[] {
  const { img_size, img_scale } = registry.get(model)!.config as { img_size: number; img_scale: number[] };
  return img_scale.map((share) => Math.round(share * img_size));
}

function withOneVector(golden: GoldenCase): GoldenCase {
  const [first, second] = ["features.0", "features.1"].map((output) => golden.outputs.get(output)!);
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  const features = Math.max(errors["features.0"]!, errors["features.1"]!);
  return {
    ...golden,
    outputs: new Map([
      ["logits", golden.outputs.get("logits")!],
      ["features", besideEachOther(first!, second!)],
    ]),
    json: { ...golden.json, float32_errors: { logits: errors.logits, features } },
  };
}

/** (N, a) and (N, b) -> (N, a + b). */
function besideEachOther(a: TensorData, b: TensorData): TensorData {
  const [n, left, right] = [a.shape[0]!, a.shape[1]!, b.shape[1]!];
  const rows = Array.from({ length: n }, (_, i) => [
    ...a.data.subarray(i * left, (i + 1) * left),
    ...b.data.subarray(i * right, (i + 1) * right),
  ]);
  return tensor("float32", [n, left + right], Float32Array.from(rows.flat() as number[]));
}
