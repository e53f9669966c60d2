// GFV's configuration, with the names that AdaFocus's experiments on Something-Something use.
import { z } from "zod";
import { backboneNamed, type NamedBackbone } from "../backbones.ts";
import { SHIFT_PLACES } from "../shifted-backbones.ts";

const count = z.int().min(1).max(65536);
const frames = z.int().min(1).max(1024);
const changes = z.record(z.string(), z.unknown()).default({});

const shape = z.strictObject({
  /** Frames of the glance, picked from those of the clip. */
  num_segments_glancer: frames.default(8),
  /** Frames of the clip: patches are cut out of all of them. */
  num_segments_focuser: frames.default(12),
  /** Which of the clip's frames the glance sees. Default: those at the middles of equal parts. */
  glance_frames: z.array(z.int().min(0)).max(1024).optional(),
  num_classes: count.default(174),
  /** Side of the patches, in pixels. */
  patch_size: z.int().min(32).max(4096).default(144),
  /** Side of the frames. */
  input_size: z.int().min(32).max(4096).default(224),
  /** Side of the frames that the glance sees; they are shrunk where this is less than input_size. */
  glance_size: z.int().min(32).max(4096).default(224),
  hidden_state_dim: count.default(1024),
  /** The backbone of patches; that of the glance is MobileNetV2. */
  base_model: z.string().min(1).max(100).default("resnet50"),
  /** Fields that change the backbones' own configurations. */
  glancer: changes,
  focuser: changes,
  shift_div: z.int().min(2).max(4096).default(8),
  shift_place: z.enum(SHIFT_PLACES).default("blockres"),
  /** Before the last layers, in training. */
  dropout: z.number().min(0).lt(1).default(0.5),
  video_div: z.literal(1, "one place is chosen for the whole clip").default(1),
  ppo_continuous: z.literal(true, "places are continuous, not cells of a grid").default(true),
  crop_pct: z.number().min(0.1).max(1).default(0.875),
});

type Shape = z.infer<typeof shape>;

/** What cannot be, in words; undefined when all is well. */
function inconsistency(config: Shape): string | undefined {
  const { patch_size, input_size, glance_size, num_segments_glancer: seen, num_segments_focuser: all } = config;
  if (patch_size > input_size) return `patch_size ${patch_size} is larger than input_size ${input_size}`;
  if (glance_size > input_size) return `glance_size ${glance_size} is larger than input_size ${input_size}`;
  const { glance_frames: chosen } = config;
  if (chosen === undefined)
    return seen > all ? `num_segments_glancer ${seen} are more than num_segments_focuser ${all}` : undefined;
  if (chosen.length !== seen) return `glance_frames has ${chosen.length}, but num_segments_glancer is ${seen}`;
  if (chosen.some((frame, i) => frame >= all || frame <= (chosen[i - 1] ?? -1)))
    return `glance_frames must rise, and be below num_segments_focuser ${all}`;
  return undefined;
}

export const gfvSchema = shape.superRefine((config, context) => {
  const problem = inconsistency(config) ?? backboneProblem(config);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});

export type GfvConfig = z.infer<typeof gfvSchema>;

function backboneProblem(config: Shape): string | undefined {
  try {
    backbonesOf(config);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The networks of the glance and of the patches. Throws UsageError for ones that there are not. */
export function backbonesOf({ base_model, glancer, focuser }: Shape): Record<"glancer" | "focuser", NamedBackbone> {
  return { glancer: backboneNamed("mobilenetv2", glancer), focuser: backboneNamed(base_model, focuser) };
}

/** Which frames of a clip the glance sees, in order. */
export function glanceFramesOf({ glance_frames, num_segments_glancer, num_segments_focuser }: GfvConfig): number[] {
  const middle = (i: number) => Math.floor(((i + 0.5) * num_segments_focuser) / num_segments_glancer);
  return glance_frames ?? Array.from({ length: num_segments_glancer }, (_, i) => middle(i));
}
