// What a recipe's clips are for its model: frames of videos, or single pictures out of them.
import type { ClipSampling } from "../data/clip-work.ts";
import { UsageError } from "../errors.ts";
import { pictureInput } from "../models/picture-input.ts";
import type { ModelDefinition } from "../models/registry.ts";
import type { Recipe } from "./recipe-fields.ts";

/** Whether a model's input has an axis of time. Throws UsageError for a model of texts. */
export function takesVideos(model: ModelDefinition): boolean {
  return pictureInput(model).kind === "video";
}

/**
 * Frames of a clip, as the model takes them.
 *
 * @throws UsageError for a recipe without clips, or of another number of frames than the model takes
 */
export function framesOf({ clip, name }: Recipe, model: ModelDefinition): number {
  const { architecture } = model;
  if (clip === undefined)
    throw new UsageError(
      `${architecture.name} takes videos, and the recipe ${name} does not say which frames it sees`,
      'give it a clip: "clip": { "frames": 8 }; see docs/video.md',
    );
  const fixed = pictureInput(model).frames;
  if (fixed !== undefined && fixed !== clip.frames)
    throw new UsageError(
      `${architecture.name} takes ${fixed} frames, and the recipe ${name} has clips of ${clip.frames}`,
      `"clip": { "frames": ${fixed} }`,
    );
  return clip.frames;
}

/**
 * Throws UsageError where a recipe's clips are not what its model takes: no clips for a model of videos, several frames for one of pictures.
 */
export function checkClips(recipe: Recipe, model: ModelDefinition): void {
  if (takesVideos(model)) framesOf(recipe, model);
  else if (recipe.clip !== undefined && recipe.clip.frames !== 1)
    throw new UsageError(
      `${model.architecture.name} takes pictures, and the recipe ${recipe.name} has clips of ${recipe.clip.frames} frames`,
      'one frame of each video is a picture: "clip": { "frames": 1 }',
    );
}

/** How a recipe's loaders take clips; undefined for pictures. */
export function samplingOf(
  { clip }: Recipe,
  picking: ClipSampling["picking"],
  model: ModelDefinition,
): ClipSampling | undefined {
  if (clip === undefined) return undefined;
  return {
    frames: clip.frames,
    secondsBetweenFrames: clip.seconds_between_frames,
    picking,
    hasTime: takesVideos(model),
  };
}
