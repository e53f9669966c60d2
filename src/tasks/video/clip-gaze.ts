// Where a model looked in a clip: regions and points with time, whether the model looks at clips or at one frame after another.
import type { Transform } from "../../image/transform.ts";
import type { ClipGaze, ClipGazeStage } from "../../video/gaze.ts";
import type { GazeStage } from "../classify/results.ts";
import { cropsOnFrame, type ViewedClip, type ViewedFrame } from "./clip-views.ts";

/** The stages that are kept. */
export function keptStages<T>(stages: readonly T[], looks: "last" | "all"): readonly T[] {
  return looks === "last" ? stages.slice(-1) : stages;
}

/** The gaze of one crop of a clip, from the stages that a model of clips gives. */
export function clipGaze(stages: readonly GazeStage[], clip: ViewedClip, crop: number, transform: Transform): ClipGaze {
  return {
    frames: clip.map(({ index, seconds }) => ({ index, seconds })),
    stages: stages.map(withTime),
    viewToPicture: onFrame(clip[0]!, crop, transform),
  };
}

/** The gaze of one crop of a single frame, from the stages that a model of pictures gives. */
export function frameGaze(
  stages: readonly GazeStage[],
  frame: ViewedFrame,
  crop: number,
  transform: Transform,
): ClipGaze {
  return clipGaze(stages, [frame], crop, transform);
}

function onFrame({ views }: ViewedFrame, crop: number, transform: Transform) {
  return cropsOnFrame(transform, views.length, views[crop]!)[crop]!;
}

/** Regions (x1, y1, x2, y2) and points (x, y) are the whole clip's, and its middle's. */
function withTime(stage: GazeStage): ClipGazeStage {
  const { name, tokens, pointsPerToken, regions, points } = stage;
  if (regions.length === tokens * 6) return { name, tokens, pointsPerToken, regions, points };
  const timed = new Float32Array(tokens * 6);
  for (let token = 0; token < tokens; token++) {
    const [x1, y1, x2, y2] = regions.subarray(token * 4, token * 4 + 4);
    timed.set([x1!, y1!, 0, x2!, y2!, 1], token * 6);
  }
  const count = tokens * pointsPerToken;
  const timedPoints = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) timedPoints.set([points[i * 2]!, points[i * 2 + 1]!, 0.5], i * 3);
  return { name, tokens, pointsPerToken, regions: timed, points: timedPoints };
}
