// Feature pyramid network (Lin et al., CVPR 2017). Reproduces open-mmlab/mmdetection, mmdet/models/necks/fpn.py.
import { add, relu, resize } from "../../graph/build.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf } from "../../nn/conv.ts";
import { fixedDim } from "../../nn/linear.ts";
import type { SingleStageConfig } from "./config.ts";
import { convModule } from "./conv-module.ts";

/** maps (N, C, h, w), the map behind each stage of a backbone -> `num_outs` maps (N, out_channels, h, w), each half the size of the one before. */
export function fpn(scope: Scope, maps: readonly Tensor[], config: SingleStageConfig["neck"]): Tensor[] {
  const { out_channels, start_level, num_outs, add_extra_convs, relu_before_extra_convs, norm_groups } = config;
  const layer = (at: Scope, x: Tensor, kernel: number, stride = 1) =>
    convModule(at, x, out_channels, {
      kernel,
      stride,
      normGroups: norm_groups,
      activated: false,
      weightInit: xavier(channelsOf(x) * kernel ** 2, out_channels * kernel ** 2),
    });
  return scope.run(() => {
    const merged = maps.slice(start_level).map((map, i) => layer(scope.at("lateral_convs", i), map, 1));
    for (let i = merged.length - 1; i > 0; i--) {
      const finer = merged[i - 1]!;
      const size = [fixedDim(finer, 2), fixedDim(finer, 3)];
      merged[i - 1] = add(finer, resize(merged[i]!, size, "nearest"));
    }
    const outs = merged.map((map, i) => layer(scope.at("fpn_convs", i), map, 3));
    for (let i = outs.length; i < num_outs; i++) {
      const isFirst = i === merged.length;
      const source = isFirst && add_extra_convs === "on_input" ? maps.at(-1)! : outs.at(-1)!;
      const read = !isFirst && relu_before_extra_convs ? relu(source) : source;
      outs.push(layer(scope.at("fpn_convs", i), read, 3, 2));
    }
    return outs.slice(0, num_outs);
  });
}

/** Glorot and Bengio's uniform distribution. */
export function xavier(fanIn: number, fanOut: number): Initializer {
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return { kind: "uniform", low: -bound, high: bound };
}
