// Why a model answers as it does, for --explain: the sheet that is drawn, and the same for programs.
import { gazeSheet } from "../image/explain.ts";
import { glimpseSheet } from "../image/glimpses.ts";
import type { Pixels } from "../image/pixels.ts";
import type { Sheet } from "../image/sheet.ts";
import { patchFates, type TokenGroups, tokenSheet } from "../image/token-groups.ts";
import type { AdaptiveResult } from "../tasks/classify/adaptive-classifier.ts";
import type { ClassificationResult, GazeResult } from "../tasks/classify/results.ts";
import { glimpsesOf } from "./looks.ts";

/** What any kind of classifier of pictures says of its looking. */
type Explained = Pick<ClassificationResult, "gaze" | "tokens"> & Partial<Pick<AdaptiveResult, "steps">>;

/** Where it looked, look by look or all at once; or what it went on with. */
export function explanationSheet(
  pixels: Pixels,
  { gaze, tokens, steps = [] }: Explained,
  headline: readonly string[],
): Sheet {
  if (gaze !== undefined) return gazeSheet(pixels, gaze, { headline });
  if (tokens !== undefined) return tokenSheet(pixels, tokens, { headline });
  return glimpseSheet(pixels, glimpsesOf({ steps }), { headline });
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
