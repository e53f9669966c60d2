// What became of a picture's patches, from the outputs that a model's reductions of tokens have when they are asked for.
import { UsageError } from "../../errors.ts";
import type { TokenGroups, TokenStage } from "../../image/token-groups.ts";
import type { ViewToPicture } from "../../image/transform.ts";
import type { PixelSize } from "../../models/graph.ts";
import type { TokenLayers } from "../../models/token-layers.ts";
import { elementCount, type TensorData, toFloat32 } from "../../tensor.ts";
import { requireOutput } from "../engine/engine.ts";

/** The outputs that tell of reductions. */
export function tokenOutputs(reductions: readonly TokenLayers[]): string[] {
  return reductions.flatMap(({ origin, scores }) => [origin, ...(scores === undefined ? [] : [scores])]);
}

/** What the reductions left of one view of a run's batch. */
export function tokenStages(
  outputs: Readonly<Record<string, TensorData>>,
  item: number,
  reductions: readonly TokenLayers[],
): TokenStage[] {
  return reductions.map(({ block, origin, scores }) => {
    const part = (name: string) => {
      const value = requireOutput(outputs, name);
      const size = elementCount(value.shape.slice(1));
      return { shape: value.shape, data: toFloat32(value).slice(item * size, (item + 1) * size) };
    };
    const { shape, data } = part(origin); // (batch, tokens, patches)
    return {
      name: `block ${block}`,
      tokens: shape[1]!,
      origin: data,
      ...(scores === undefined ? {} : { scores: part(scores).data }),
    };
  });
}

/**
 * What became of the patches of one picture.
 *
 * @param stages for each of its views
 * @param size of a view in pixels; patches are square
 */
export function tokenGroups(
  stages: readonly TokenStage[][],
  views: readonly ViewToPicture[],
  { height, width }: PixelSize,
): TokenGroups {
  const { tokens, origin } = stages[0]![0]!;
  const patches = origin.length / tokens;
  const rows = Math.round(Math.sqrt((patches * height) / width));
  if (patches % rows !== 0) throw new UsageError(`${patches} patches are no grid over ${width} x ${height} pixels`);
  return {
    grid: { height: rows, width: patches / rows },
    views: stages.map((ofView, i) => ({ viewToPicture: views[i]!, stages: ofView })),
  };
}
