// Which frames of a video a model of videos is shown: a field of config.json, of an exported file and of recipes, which all spell it alike.
import { z } from "zod";

/** How a video becomes what a model sees. */
export interface ClipFacts {
  /** Frames of a clip. */
  readonly frames: number;
  /** From a frame of a clip to its next one. Undefined: a clip is spread over the whole video, a frame in each of `frames` equal parts. */
  readonly secondsBetweenFrames?: number | undefined;
  /** Clips of a video whose answers are averaged. */
  readonly clips: number;
}

export const clipSchema = z.strictObject({
  frames: z.int().min(1).max(4096),
  seconds_between_frames: z.number().positive().max(86_400).optional(),
  clips: z.int().min(1).max(1000).default(1),
});

/** As files spell it. */
export type ClipEntry = z.infer<typeof clipSchema>;

export function clipFacts({ frames, seconds_between_frames: secondsBetweenFrames, clips }: ClipEntry): ClipFacts {
  return { frames, clips, ...(secondsBetweenFrames === undefined ? {} : { secondsBetweenFrames }) };
}

export function clipEntry({ frames, secondsBetweenFrames, clips }: ClipFacts): ClipEntry {
  return {
    frames,
    ...(secondsBetweenFrames === undefined ? {} : { seconds_between_frames: secondsBetweenFrames }),
    clips,
  };
}

/** "8 frames, 0.25 s apart; 3 clips" */
export function describeClip({ frames, secondsBetweenFrames, clips }: ClipFacts): string {
  const apart = secondsBetweenFrames === undefined ? "spread over the video" : `${secondsBetweenFrames} s apart`;
  return `${frames} frame${frames === 1 ? "" : "s"}, ${apart}${clips === 1 ? "" : `; ${clips} clips, averaged`}`;
}
