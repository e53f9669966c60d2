// Uni-AdaFocus' configuration, with the official names (LeapLabTHU/Uni-AdaFocus, Uni-AdaFocus-TSM, opts.py). Released checkpoints hold weights and no
// configuration: what cannot be read off them (patch_size, num_focus_segments, num_input_focus_segments) is in the names of their files.
import { z } from "zod";

const count = z.int().min(1).max(65536);
const frames = z.int().min(1).max(1024);
const fields = z.record(z.string(), z.unknown());

/** Pixels: the policy's map is a 32nd of the picture, and a patch has at least one cell of it. */
const CELL = 32;

const shape = z.looseObject({
  /** Default: the classes of Something-Something. */
  num_class: count.default(174),
  /** Frames of the glance. */
  num_glance_segments: frames.default(8),
  /** Frames that a clip brings, from which the focus chooses. */
  num_input_focus_segments: frames.default(36),
  /** Frames that the focus looks at. */
  num_focus_segments: frames.default(12),
  /** Height and width of what the focus sees, in pixels, whatever it was cut out as. */
  patch_size: z.int().min(CELL).max(4096),
  /** Height and width of the frames. */
  input_size: z
    .int()
    .min(CELL)
    .max(4096)
    .refine((size) => size % CELL === 0, `must be a multiple of ${CELL}`)
    .default(224),
  /** Inner channels of the spatial policy. */
  stn_hidden_dim: count.default(64),
  /** Inner channels of the temporal policy. */
  temporal_hidden_dim: count.default(64),
  /** In training, of the features that both heads of a network read. */
  dropout: z.number().min(0).lt(1).default(0.5),
  /** A part of the channels this large goes each way in time. */
  shift_div: z.int().min(2).max(1024).default(8),
  /** Which of a clip's frames the glance sees. Default: those at the middles of equal parts. */
  glance_frames: z.array(z.int().min(0)).max(1024).optional(),
  /** Height and width of the smallest crop, in pixels; the largest is the whole frame. A constant of the official code. */
  smallest_crop: z.int().min(1).max(4096).default(96),
  /** Fields that change the glance's MobileNetV2. */
  global_backbone: fields.default({}),
  /** Fields that change the focus's ResNet-50. */
  local_backbone: fields.default({}),
});

type Shape = z.infer<typeof shape>;

/** The fields that mean something; others pass. */
export const UNI_ADAFOCUS_FIELDS: readonly string[] = Object.keys(shape.shape);

/** The middles of equal parts: frame floor((i + 1/2) * all / count) of `all`, for each i. */
function middles(count: number, all: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * all) / count));
}

/** What cannot be, in words; undefined when all is well. */
function inconsistency(config: Shape): string | undefined {
  const { num_glance_segments: glance, num_input_focus_segments: all, num_focus_segments: focus } = config;
  if (focus > all) return `num_focus_segments ${focus} are more than num_input_focus_segments ${all}`;
  if (glance > all) return `num_glance_segments ${glance} are more than num_input_focus_segments ${all}`;
  if (config.patch_size > config.input_size)
    return `patch_size ${config.patch_size} is larger than input_size ${config.input_size}`;
  if (config.smallest_crop > config.input_size)
    return `smallest_crop ${config.smallest_crop} is larger than input_size ${config.input_size}`;
  const { glance_frames: chosen } = config;
  if (chosen === undefined) return undefined;
  if (chosen.length !== glance) return `glance_frames has ${chosen.length}, but num_glance_segments is ${glance}`;
  if (chosen.some((frame, i) => frame >= all || frame <= (chosen[i - 1] ?? -1)))
    return `glance_frames must rise, and be below num_input_focus_segments ${all}`;
  return undefined;
}

export const uniAdafocusSchema = shape.superRefine((config, context) => {
  const problem = inconsistency(config);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});

export type UniAdafocusConfig = z.infer<typeof uniAdafocusSchema>;

/** Which frames of a clip the glance sees, in order. */
export function glanceFrames(config: UniAdafocusConfig): readonly number[] {
  return config.glance_frames ?? middles(config.num_glance_segments, config.num_input_focus_segments);
}

/** Height and width of the glance's map, which the spatial policy reads. */
export function mapSide({ input_size }: Pick<UniAdafocusConfig, "input_size">): number {
  return input_size / CELL;
}

/** Rows and columns at which a crop of the map is read, one for every cell that a patch of the focus would have. */
export function mapPoints({ patch_size }: Pick<UniAdafocusConfig, "patch_size">): number {
  return Math.floor(patch_size / CELL);
}

/** Shorter side to 8/7 of the frame's, the middle of it, ImageNet's mean and deviation (main.py, GroupScale and GroupCenterCrop). */
export function uniAdafocusTransform({ input_size }: UniAdafocusConfig): string {
  const side = Math.floor((input_size * 256) / 224);
  return `resize_small(${side},bilinear)|central_crop(${input_size})|normalize(imagenet)`;
}
