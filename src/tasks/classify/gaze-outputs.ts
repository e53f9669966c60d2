// Where a sparse model looked, from the outputs `gaze.N.regions` and `gaze.N.points` of a run.
import type { ViewToPicture } from "../../image/transform.ts";
import { elementCount, type TensorData, toFloat32 } from "../../tensor.ts";
import { requireOutput } from "../engine/engine.ts";
import type { GazeResult, GazeStage } from "./results.ts";

/** The outputs that describe a model's looks. */
export function gazeOutputs(looks: number): string[] {
  return Array.from({ length: looks }, (_, look) => [`gaze.${look}.regions`, `gaze.${look}.points`]).flat();
}

/** The looks, of `looks` in all, that a run's outputs describe, at one picture of its batch. */
export function gazeStages(outputs: Readonly<Record<string, TensorData>>, item: number, looks: number): GazeStage[] {
  return Array.from({ length: looks }, (_, look) => look)
    .filter((look) => outputs[`gaze.${look}.points`] !== undefined)
    .map((look) => gazeStage(outputs, look, item, looks));
}

function gazeStage(
  outputs: Readonly<Record<string, TensorData>>,
  look: number,
  item: number,
  looks: number,
): GazeStage {
  const part = (name: string) => {
    const value = requireOutput(outputs, name);
    const size = elementCount(value.shape.slice(1));
    return { shape: value.shape, data: toFloat32(value).slice(item * size, (item + 1) * size) };
  };
  const regions = part(`gaze.${look}.regions`); // (batch, tokens, 4)
  const points = part(`gaze.${look}.points`); // (batch, tokens, points, 2)
  return {
    name: looks === 1 ? "look" : `look ${look + 1} of ${looks}`,
    tokens: points.shape[1]!,
    pointsPerToken: points.shape[2]!,
    regions: regions.data,
    points: points.data,
  };
}

const WHOLE_PICTURE: ViewToPicture = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };

/**
 * The looks at one picture, from those at each of its views.
 *
 * @param looks for each view its stages, as many for all
 */
export function gazeOf(looks: readonly GazeStage[][], views: readonly ViewToPicture[]): GazeResult {
  const stages = looks[0]!;
  if (views.length === 1) return { stages, viewToPicture: views[0]! };
  const together = stages.map((stage, i) =>
    stageOfViews(
      stage,
      looks.map((ofView) => ofView[i]!),
      views,
    ),
  );
  return { stages: together, viewToPicture: WHOLE_PICTURE, views };
}

function stageOfViews(
  { name, pointsPerToken }: GazeStage,
  ofViews: readonly GazeStage[],
  views: readonly ViewToPicture[],
): GazeStage {
  const join = (part: "regions" | "points") =>
    Float32Array.from(
      ofViews.flatMap((stage, i) => {
        const { scaleX, scaleY, offsetX, offsetY } = views[i]!;
        // x, y, x, y, …
        return Array.from(stage[part], (value, at) =>
          at % 2 === 0 ? value * scaleX + offsetX : value * scaleY + offsetY,
        );
      }),
    );
  const tokens = ofViews.reduce((sum, stage) => sum + stage.tokens, 0);
  return { name, tokens, pointsPerToken, regions: join("regions"), points: join("points") };
}
