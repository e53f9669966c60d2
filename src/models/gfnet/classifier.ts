// GFNet's classifier: what has been seen so far becomes an answer, step by step. Two kinds, as network.py Full_layer of
// blackfeather-wang/GFNet-Pytorch has them: a recurrent one (ResNet, DenseNet, RegNet), and one linear layer for each number of looks
// over all their features side by side (MobileNet, EfficientNet).
import { concat } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { gruStep } from "../../nn/gru.ts";
import { fixedWidth, torchDefault, torchLinear } from "../../nn/linear.ts";

/** The fields of a configuration that shape the classifier. */
export interface ClassifierConfig {
  readonly fc_rnn: boolean;
  readonly fc_hidden_dim: number | null;
  readonly feature_num: number;
  readonly class_num: number;
}

/** The linear layers of the second kind that official checkpoints hold: for two to five looks. */
export const MOST_LOOKS_SIDE_BY_SIDE = 5;

/** features (batch, feature_num) of the newest look, `seen` of those before -> what is known now; (batch, wider) for the second kind. */
export function remember(scope: Scope, features: Tensor, seen: Tensor | undefined, config: ClassifierConfig): Tensor {
  if (config.fc_rnn) return gruStep(scope.at("rnn"), features, seen, config.fc_hidden_dim!);
  return seen === undefined ? features : concat([seen, features], 1);
}

/** seen -> logits (batch, class_num). The second kind has no layer for the glance alone, which the encoder's own head answers. */
export function answer(scope: Scope, seen: Tensor, config: ClassifierConfig): Tensor {
  if (config.fc_rnn) return torchLinear(scope.at("fc"), seen, config.class_num);
  return torchLinear(scope.at(`fc_${fixedWidth(seen) / config.feature_num}`), seen, config.class_num);
}

/** Declares what an official checkpoint holds, used or not. */
export function declareClassifier(scope: Scope, config: ClassifierConfig): void {
  if (config.fc_rnn) return;
  for (let looks = 2; looks <= MOST_LOOKS_SIDE_BY_SIDE; looks++) {
    const layer = scope.at(`fc_${looks}`);
    const width = looks * config.feature_num;
    layer.parameter("weight", [config.class_num, width], torchDefault(width));
    layer.parameter("bias", [config.class_num], torchDefault(width));
  }
}
