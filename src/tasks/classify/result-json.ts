// Answers of classifiers as programs get them, from the command line and over HTTP: names in snake_case, numbers in plain arrays.
import { patchFates, type TokenGroups } from "../../image/token-groups.ts";
import type { AdaptiveResult } from "./adaptive-classifier.ts";
import type { ClassificationResult, GazeResult } from "./results.ts";

/** What any kind of classifier of pictures answers. */
export type AnyClassification = ClassificationResult & Partial<Pick<AdaptiveResult, "steps" | "stopped">>;

/** The answer for one picture; what there is none of is undefined, and so left out of JSON. */
export function classificationToJson({ predictions, unknown, seen, gaze, tokens, steps, stopped }: AnyClassification) {
  return {
    predictions,
    unknown,
    seen,
    gaze: gaze && gazeToJson(gaze),
    tokens: tokens && tokensToJson(tokens),
    ...(steps === undefined || stopped === undefined ? {} : stepsToJson({ steps, stopped })),
  };
}

export function gazeToJson({ viewToPicture, stages }: GazeResult) {
  return {
    view_to_picture: viewToPicture,
    stages: stages.map(({ name, tokens, pointsPerToken, regions, points }) => ({
      ...{ name, tokens, points_per_token: pointsPerToken },
      regions: Array.from(regions),
      points: Array.from(points),
    })),
  };
}

/**
 * Patch by patch, row by row: the token that it is most in, -1 where it is gone, and how much of it is left. Tokens that are only there to fill a
 * batch are not counted.
 */
export function tokensToJson({ grid, views }: TokenGroups) {
  const sharp = (values: Float32Array) => Array.from(values, (value) => Number(value.toPrecision(4)));
  return {
    grid,
    views: views.map(({ viewToPicture, stages }) => ({
      view_to_picture: viewToPicture,
      stages: stages.map((stage) => {
        const { owners, weights, count } = patchFates(stage);
        return {
          name: stage.name,
          tokens: count,
          token_of_patch: Array.from(owners),
          left_of_patch: sharp(weights),
          ...(stage.scores === undefined ? {} : { scores: sharp(stage.scores) }),
        };
      }),
    })),
  };
}

export function stepsToJson({ steps, stopped }: Pick<AdaptiveResult, "steps" | "stopped">) {
  return {
    stopped,
    steps: steps.map(({ name, box, prediction, confidence, macs, value }) => ({
      name,
      box,
      prediction,
      confidence,
      macs,
      ...(value === undefined ? {} : { value }),
    })),
  };
}
