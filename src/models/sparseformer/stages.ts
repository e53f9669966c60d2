// SparseFormer in steps: an early answer after the units that look at the picture, and the rest of the cortex only for pictures whose answer is
// not sure. No paper has it: the early heads are `exit_layers` of the configuration.
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import type { StageInputs, Stages } from "../architecture.ts";
import type { SparseformerConfig } from "./config.ts";
import { type Features, readFeatures } from "./features.ts";
import { gazeOf, head, initialState, perPicture, runUnits } from "./model.ts";
import { cornersOfRegions, regionsFromCorners } from "./regions.ts";
import type { TokenState } from "./unit.ts";

const LOOKING = "focus";
const THINKING = "cortex";

export const sparseformerStages: Stages<SparseformerConfig> = {
  looksInSteps: false,
  steps(config) {
    const exits = usableExits(config);
    if (exits.length === 0) return [];
    if (exits.length === 1) return [LOOKING, THINKING];
    return [LOOKING, ...exits.map((_, i) => `${THINKING}.${i + 1}`)];
  },
  build(scope, stage, inputs, config, mode) {
    const exits = usableExits(config);
    const step = this.steps(config).indexOf(stage);
    const units = {
      from: step === 0 ? 0 : exits[step - 1]! + 1,
      to: (exits[step] ?? config.width_configs.length - 1) + 1,
    };
    const { features, start } = step === 0 ? look(scope, inputs, config, mode) : goOn(inputs, config, units.from);
    const ran = runUnits(scope, features, start, config, mode, units);
    const { batch } = features;
    if (step === exits.length) {
      const { logits, features: pooled } = head(scope, ran.state, batch, config);
      return { logits, features: pooled };
    }
    const gaze = ran.glimpses.flatMap((glimpse, i) => {
      const { regions, points } = gazeOf(glimpse, batch);
      return [[`gaze.${i}.regions`, regions] as const, [`gaze.${i}.points`, points] as const];
    });
    return {
      logits: perPicture(ran.exits.at(-1)!, batch),
      ...Object.fromEntries(gaze),
      "next.tokens": perPicture(ran.state.tokens, batch),
      "next.regions": perPicture(cornersOfRegions(ran.state.regions), batch),
    };
  },
};

/** The early answers after which no unit looks at the picture again: what follows them needs nothing but tokens and regions. */
function usableExits(config: SparseformerConfig): number[] {
  const lastLook = config.ops_list.findLastIndex((ops) => ops.includes("SAMPLING_M"));
  return config.exit_layers.filter((unit) => unit >= lastLook && unit < config.ops_list.length - 1);
}

interface Begun {
  readonly features: Features;
  readonly start: TokenState;
}

function look(scope: Scope, inputs: StageInputs, config: SparseformerConfig, mode: Mode): Begun {
  const features = readFeatures(scope.at("feat_extractor"), inputs.pictures(), config, mode);
  return { features, start: initialState(scope, config, 2, 1) };
}

function goOn(inputs: StageInputs, config: SparseformerConfig, from: number): Begun {
  const inserted = config.cls_token_insert_layer;
  const count = config.num_latent_tokens + (inserted >= 0 && inserted < from ? 1 : 0);
  const tokens = inputs.state("tokens", [count, config.width_configs[from - 1]!]); // (batch, count, width)
  const corners = inputs.state("regions", [config.num_latent_tokens, 4]); // (batch, tokens, 4)
  return {
    features: { graph: tokens.graph, batch: tokens.shape[0]!, sample: neverSampled },
    start: { tokens, regions: regionsFromCorners(corners, 2) },
  };
}

function neverSampled(): Tensor {
  throw new TypeError("a unit after the last look samples the picture");
}
