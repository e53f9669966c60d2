// preprocessor_config.json of huggingface/transformers -> the transform language. What is read is what its processors compute
// (image_processing_backends.py, models/convnext and models/efficientnet); what they cannot be told from, or compute otherwise, is refused.
import { z } from "zod";
import { FormatError } from "../../errors.ts";
import type { ResampleFilter } from "../../image/resample.ts";
import type { TransformOp } from "../../image/transform.ts";
import type { Triple } from "../../image/transform-syntax.ts";
import { faultsText } from "../../models/check-config.ts";
import { checkedTransform, TRANSFORM_HINT } from "./hub-config.ts";

const side = z.int().min(1).max(16384);

const sizeSchema = z.union([
  side,
  z.strictObject({ height: side, width: side }),
  z.strictObject({ shortest_edge: side }),
  z.tuple([side, side]),
]);

type Size = z.infer<typeof sizeSchema>;

const number = z.number().min(-1e6).max(1e6);
const perChannel = z.union([number, z.tuple([number, number, number])]).nullish();

const processorSchema = z.looseObject({
  image_processor_type: z.string().max(200).nullish(),
  /** What files of older releases say instead. */
  feature_extractor_type: z.string().max(200).nullish(),
  do_resize: z.boolean().nullish(),
  size: sizeSchema.nullish(),
  resample: z.int().min(0).max(5).nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: sizeSchema.nullish(),
  crop_pct: z.number().min(0.01).max(1).nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().positive().max(1e6).nullish(),
  rescale_offset: z.boolean().nullish(),
  include_top: z.boolean().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: perChannel,
  image_std: perChannel,
  do_pad: z.boolean().nullish(),
  do_flip_channel_order: z.boolean().nullish(),
});

type Processor = z.infer<typeof processorSchema>;

interface ProcessorKind {
  /** What a size of one number means. */
  readonly oneNumber: "square" | "shortest edge";
  /** Whether it cuts out the middle when the file does not say; undefined where releases differ. */
  readonly crops: boolean | undefined;
}

/** By the beginning of the class's name. */
const KINDS: Readonly<Record<string, ProcessorKind>> = {
  ViT: { oneNumber: "square", crops: false },
  DeiT: { oneNumber: "square", crops: true },
  Beit: { oneNumber: "square", crops: undefined },
  Siglip: { oneNumber: "square", crops: false },
  EfficientNet: { oneNumber: "square", crops: false },
  ConvNext: { oneNumber: "shortest edge", crops: false },
  Bit: { oneNumber: "shortest edge", crops: true },
  CLIP: { oneNumber: "shortest edge", crops: true },
  MobileNetV1: { oneNumber: "shortest edge", crops: true },
  MobileNetV2: { oneNumber: "shortest edge", crops: true },
};

/** Pillow's numbers. */
const FILTERS: readonly ResampleFilter[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/**
 * The transform of an image processor.
 *
 * @param json the object in preprocessor_config.json
 * @param where the file, for messages
 * @param usual the processor of the model's family, for files that do not name one
 * @throws FormatError for what the transform language cannot say, and for what the file leaves open
 */
export function processorTransform(json: unknown, where: string, usual: string | undefined): string {
  const parsed = processorSchema.safeParse(json);
  if (!parsed.success) throw new FormatError(where, faultsText(parsed.error), { hint: TRANSFORM_HINT });
  const refuse = (problem: string): never => {
    throw new FormatError(where, problem, { hint: TRANSFORM_HINT });
  };
  const processor = parsed.data;
  const name = processorName(processor) ?? usual;
  if (name === undefined || !Object.hasOwn(KINDS, name))
    return refuse(
      name === undefined
        ? "it does not say which image processor it configures (image_processor_type)"
        : `the image processor ${processor.image_processor_type ?? processor.feature_extractor_type} is not known here (known: ${Object.keys(KINDS).join(", ")})`,
    );
  if (processor.do_pad === true) refuse("padding (do_pad) is not computed here");
  if (processor.do_flip_channel_order === true) refuse("blue before red (do_flip_channel_order) is not computed here");
  return checkedTransform([...geometry(processor, name, refuse), ...values(processor, name, refuse)], where);
}

/** "ViTImageProcessorFast", "ViTImageProcessor" and "ViTFeatureExtractor" are all "ViT". */
function processorName({ image_processor_type, feature_extractor_type }: Processor): string | undefined {
  return (image_processor_type ?? feature_extractor_type)?.replace(
    /(?:ImageProcessor(?:Fast|Pil)?|FeatureExtractor)$/,
    "",
  );
}

type Refuse = (problem: string) => never;

/** Pixels. */
function geometry(processor: Processor, name: string, refuse: Refuse): TransformOp[] {
  const { oneNumber, crops } = KINDS[name]!;
  const ops: TransformOp[] = [];
  const filter = FILTERS[processor.resample ?? -1];
  if (processor.do_resize ?? true) {
    if (processor.size == null) return refuse("it resizes, but does not say to what (size)");
    if (filter === undefined) return refuse("it resizes, but does not say with which filter (resample)");
    if (name === "ConvNext")
      return [...convnextResize(processor, processor.size, filter, refuse), ...cropOps(processor, false, refuse)];
    ops.push(resizeOp(processor.size, filter, oneNumber));
  }
  return [...ops, ...cropOps(processor, crops, refuse)];
}

function resizeOp(size: Size, filter: ResampleFilter, oneNumber: ProcessorKind["oneNumber"]): TransformOp {
  if (typeof size === "object" && "shortest_edge" in size)
    return { op: "resize_small", size: size.shortest_edge, filter };
  if (typeof size === "number" && oneNumber === "shortest edge") return { op: "resize_small", size, filter };
  return { op: "resize", ...extentOf(size), filter };
}

function extentOf(size: Exclude<Size, { shortest_edge: number }>): { width: number; height: number } {
  if (typeof size === "number") return { width: size, height: size };
  if (Array.isArray(size)) return { height: size[0], width: size[1] };
  return { width: size.width, height: size.height };
}

function cropOps(processor: Processor, byDefault: boolean | undefined, refuse: Refuse): TransformOp[] {
  const crops = processor.do_center_crop ?? byDefault;
  if (crops === undefined) return refuse("it does not say whether it cuts out the middle (do_center_crop)");
  if (!crops) return [];
  const size = processor.crop_size;
  if (size == null) return refuse("it cuts out the middle, but does not say how much (crop_size)");
  const extent = typeof size === "object" && "shortest_edge" in size ? extentOf(size.shortest_edge) : extentOf(size);
  return [{ op: "central_crop", ...extent, rounding: "down" }];
}

/** Below 384 pixels the middle of a somewhat larger picture, from there on the whole picture squeezed. */
function convnextResize({ crop_pct }: Processor, size: Size, filter: ResampleFilter, refuse: Refuse): TransformOp[] {
  const edge = typeof size === "number" ? size : "shortest_edge" in size ? size.shortest_edge : undefined;
  if (edge === undefined) return refuse("size must be one number or shortest_edge for this image processor");
  if (edge >= 384) return [{ op: "resize", width: edge, height: edge, filter }];
  const scaled = Math.trunc(edge / (crop_pct ?? 224 / 256));
  return [
    { op: "resize_small", size: scaled, filter },
    { op: "central_crop", width: edge, height: edge, rounding: "down" },
  ];
}

/** What bytes become: all processors compute `byte * scale + shift` in each channel. */
function values(processor: Processor, name: string, refuse: Refuse): TransformOp[] {
  const rescales = processor.do_rescale ?? true;
  const normalizes = processor.do_normalize ?? true;
  const { image_mean, image_std } = processor;
  if (normalizes && (image_mean == null || image_std == null))
    return refuse("it normalises, but does not say with what (image_mean, image_std)");
  const mean = tripleOf(normalizes ? image_mean! : 0);
  const std = tripleOf(normalizes ? image_std! : 1);
  if (std.some((value) => value <= 0)) return refuse("image_std must be above 0");
  // Numbers of the file are kept to the last digit where nothing else is computed with them.
  const factor = rescales ? (processor.rescale_factor ?? 1 / 255) : 1;
  const white = Math.abs(factor * 255 - 1) < 1e-9 ? 1 : factor * 255;
  const isEfficientNet = name === "EfficientNet";
  const offset = isEfficientNet && rescales && processor.rescale_offset === true ? -1 : 0;
  const dividesAgain = isEfficientNet && (processor.include_top ?? true);
  if (dividesAgain && image_std == null) return refuse("it does not say image_std");
  const again = tripleOf(dividesAgain ? image_std! : 1);
  if (!normalizes && offset === 0 && again.every((value) => value === 1))
    return white === 1 ? [] : [{ op: "value_range", low: 0, high: white }];
  return [
    {
      op: "normalize",
      mean: mapTriple((c) => (mean[c]! - offset) / white),
      std: mapTriple((c) => (std[c]! * again[c]!) / white),
    },
  ];
}

function tripleOf(value: number | readonly number[]): Triple {
  return typeof value === "number" ? [value, value, value] : (value as readonly number[] as Triple);
}

function mapTriple(of: (channel: 0 | 1 | 2) => number): Triple {
  return [of(0), of(1), of(2)];
}
