// SparseFormer on moving pictures: a full look at one picture, and steps at those that come after it. A step leaves out the units that only learn
// where to look: it takes the tokens and regions that these made of the last picture that was looked at fully, samples the new picture with the
// last unit that looks, and answers with the first classifier that follows. Same weights, no others.
import type { Tensor } from "../../graph/tensor.ts";
import type { Stages } from "../architecture.ts";
import type { SparseformerConfig } from "./config.ts";
import { readFeatures } from "./features.ts";
import { gazeOf, head, initialState, perPicture, runUnits } from "./model.ts";
import { cornersOfRegions, regionsFromCorners } from "./regions.ts";
import type { Glimpse } from "./unit.ts";

const LOOK = "look";
const STEP = "step";

export const sparseformerFollowing: Stages<SparseformerConfig> = {
  looksInSteps: false,
  /** None where the first unit is the only one that looks: a step would leave nothing out. */
  steps: (config) => (lastLookingUnit(config) > 0 ? [LOOK, STEP] : []),
  build(scope, stage, inputs, config, mode) {
    const features = readFeatures(scope.at("feat_extractor"), inputs.pictures(), config, mode);
    const { batch } = features;
    const last = lastLookingUnit(config);
    if (stage === LOOK) {
      const before = runUnits(scope, features, initialState(scope, config, 2, 1), config, mode, { to: last });
      const { state, glimpses } = runUnits(scope, features, before.state, config, mode, { from: last });
      const { logits, features: pooled } = head(scope, state, batch, config);
      return {
        logits,
        features: pooled,
        ...gazeOutputs([...before.glimpses, ...glimpses], 0, batch),
        "next.tokens": perPicture(before.state.tokens, batch),
        "next.regions": perPicture(cornersOfRegions(before.state.regions), batch),
      };
    }
    const tokens = inputs.state("tokens", [config.num_latent_tokens, config.width_configs[last - 1]!]); // (batch, tokens, width)
    const corners = inputs.state("regions", [config.num_latent_tokens, 4]); // (batch, tokens, 4)
    const start = { tokens, regions: regionsFromCorners(corners, 2) };
    const exit = config.exit_layers.find((unit) => unit >= last);
    const ran = runUnits(scope, features, start, config, mode, {
      from: last,
      ...(exit === undefined ? {} : { to: exit + 1 }),
    });
    const logits = exit === undefined ? head(scope, ran.state, batch, config).logits : ran.exits[0]!;
    return { logits: perPicture(logits, batch), ...gazeOutputs(ran.glimpses, looksBefore(last, config), batch) };
  },
};

const looks = (ops: readonly string[]): number => ops.filter((op) => op === "SAMPLING_M").length;

/** The last unit that looks at the picture. What comes after it only thinks. */
function lastLookingUnit(config: SparseformerConfig): number {
  return config.ops_list.findLastIndex((ops) => looks(ops) > 0);
}

function looksBefore(unit: number, config: SparseformerConfig): number {
  return config.ops_list.slice(0, unit).reduce((sum, ops, i) => sum + looks(ops) * config.repeats[i]!, 0);
}

/** @param first the number of the first of these glimpses among all of a full look's */
function gazeOutputs(
  glimpses: readonly Glimpse[],
  first: number,
  batch: Parameters<typeof gazeOf>[1],
): Record<string, Tensor> {
  return Object.fromEntries(
    glimpses.flatMap((glimpse, i) => {
      const { regions, points } = gazeOf(glimpse, batch);
      return [
        [`gaze.${first + i}.regions`, regions],
        [`gaze.${first + i}.points`, points],
      ];
    }),
  );
}
