// Folders as huggingface/pytorch-image-models (timm) saves them for the hub: config.json with `architecture` and `pretrained_cfg`
// (timm/models/_hub.py save_config_for_hf), as ours. Preprocessing is timm's for evaluation (timm/data/config.py resolve_data_config,
// timm/data/transforms_factory.py transforms_imagenet_eval). transformers' TimmWrapper writes the same fields.
import { z } from "zod";
import { FormatError } from "../../errors.ts";
import { RESAMPLE_FILTERS } from "../../image/resample.ts";
import { NORMALIZATIONS, type TransformOp } from "../../image/transform.ts";
import type { NamedTensors } from "../../models/architecture.ts";
import { type Extent, extentOf, imageSizeField, imageSizeOf } from "../../models/image-size.ts";
import { type RegisteredModel, registry } from "../../models/registry.ts";
import type { ScoreKind } from "../../onnx/score-kind.ts";
import type { ConfigFile } from "../config-file.ts";
import { checkedTransform, parseHubConfig, TRANSFORM_HINT, withoutPlaceholders } from "./hub-config.ts";
import { severalLabels, transformersScores } from "./transformers.ts";

const side = z.int().min(1).max(16384);
const perChannel = z.tuple([z.number(), z.number(), z.number()]);
const label = z.string().max(1000);

const pretrainedSchema = z.looseObject({
  tag: z.string().max(200).nullish(),
  input_size: z.tuple([z.literal(3, "pictures must have three channels"), side, side]).nullish(),
  interpolation: z.enum(RESAMPLE_FILTERS).nullish(),
  crop_pct: z.number().min(0.01).max(10).nullish(),
  crop_mode: z.string().max(200).nullish(),
  mean: perChannel.nullish(),
  std: perChannel.nullish(),
  num_classes: z.int().min(0).max(1_000_000).nullish(),
  license: z.string().max(1000).nullish(),
});

/** What timm's `create_model` was told. */
const modelArgsSchema = z.looseObject({
  img_size: imageSizeField.nullish(),
  in_chans: z.literal(3, "pictures must have three channels").nullish(),
  global_pool: z.string().max(200).nullish(),
});

const timmSchema = z.looseObject({
  architecture: z.string().min(1).max(200),
  num_classes: z.int().min(0).max(1_000_000).nullish(),
  global_pool: z.string().max(200).nullish(),
  label_names: z.union([z.array(label).max(1_000_000), z.record(z.string(), label)]).nullish(),
  label_descriptions: z.record(z.string(), label).nullish(),
  /** What transformers' wrapper adds. */
  problem_type: z.string().max(200).nullish(),
  model_args: modelArgsSchema.nullish(),
  pretrained_cfg: pretrainedSchema,
});

type TimmConfig = z.infer<typeof timmSchema>;

const EXPORT_HINT = "export it to ONNX with timm (timm's onnx_export.py) or torch.onnx.export, and give the .onnx file";

/**
 * config.json of a timm folder as ours.
 *
 * @param transform preprocessing instead of its own
 * @throws FormatError for models that are not registered, for fields that change what a model computes, and for anything out of bounds
 */
export function timmConfig(json: unknown, where: string, transform?: string): ConfigFile {
  const config = parseTimmConfig(json, where);
  const registered = registeredModel(config.architecture, where);
  const classes = classesOf(config);
  if (classes === 0)
    throw new FormatError(where, "this model has no classifier (num_classes is 0)", { hint: EXPORT_HINT });
  const { scores, labels, ...card } = cardOf(config, where, transform);
  if (scores === "independent-logits") throw severalLabels(where, EXPORT_HINT);
  return {
    architecture: registered.name,
    config: { ...fieldsOf(config, registered, where), num_classes: classes },
    ...card,
    ...(labels === undefined ? {} : { labels: [...labels] }),
  };
}

/** What a timm folder's config.json says of an ONNX file beside it, of whatever architecture. Throws as `timmConfig`. */
export function timmCard(json: unknown, where: string, transform?: string): TimmCard {
  return cardOf(parseTimmConfig(json, where), where, transform);
}

interface TimmCard {
  readonly labels?: readonly string[];
  readonly transform: string;
  readonly licence?: string;
  readonly scores?: ScoreKind;
  readonly provenance: { readonly source: string; readonly tag?: string };
}

function cardOf(config: TimmConfig, where: string, transform: string | undefined): TimmCard {
  const labels = labelsOf(config, classesOf(config), where);
  const scores = transformersScores(config, where);
  const { license } = config.pretrained_cfg;
  return {
    transform: transform ?? checkedTransform(timmEvaluation(config, where), where),
    ...(labels === undefined ? {} : { labels }),
    ...(scores === undefined ? {} : { scores }),
    ...(license == null ? {} : { licence: license }),
    provenance: { source: "a folder for the hub, saved by timm", ...tagOf(config) },
  };
}

function parseTimmConfig(json: unknown, where: string): TimmConfig {
  return parseHubConfig(timmSchema, withSplitFields(json), where);
}

/** timm's default is ImageNet's number. */
function classesOf({ num_classes, pretrained_cfg }: TimmConfig): number {
  return num_classes ?? pretrained_cfg.num_classes ?? 1000;
}

function tagOf({ pretrained_cfg: { tag } }: TimmConfig): { tag?: string } {
  return tag == null ? {} : { tag };
}

/** The wrapper of transformers puts its own name before timm's. */
export function timmNames(tensors: NamedTensors): NamedTensors {
  const PREFIX = "timm_model.";
  if (![...tensors.keys()].every((name) => name.startsWith(PREFIX))) return tensors;
  return new Map([...tensors].map(([name, value]) => [name.slice(PREFIX.length), value]));
}

/** Older releases had all fields side by side, and called the names of classes `labels`. */
function withSplitFields(json: unknown): unknown {
  const fields = json as Readonly<Record<string, unknown>>;
  if (fields.pretrained_cfg !== undefined) return json;
  return { label_names: fields.labels, ...fields, pretrained_cfg: fields };
}

function registeredModel(architecture: string, where: string): RegisteredModel {
  const found = [...registry.values()].find(({ name, timmName = name }) => timmName === architecture);
  if (found !== undefined && isOfTimm(found)) return found;
  const close = closeNames(architecture);
  throw new FormatError(
    where,
    `this is timm's ${architecture}, which is not one of the models here${close.length === 0 ? "" : `; of its kind there are ${close.join(", ")}`}`,
    { hint: EXPORT_HINT },
  );
}

/** These two families are not in timm. */
const isOfTimm = ({ architecture }: RegisteredModel) => architecture !== "sparseformer" && architecture !== "gfnet";

/** Registered names with the longest beginning in common, if that is a family's name at least. */
function closeNames(architecture: string): string[] {
  const family = /^[a-z]+/.exec(architecture)?.[0] ?? architecture;
  const common = (name: string) => {
    const other = [...name].findIndex((letter, i) => letter !== architecture[i]);
    return other < 0 ? name.length : other;
  };
  return [...registry.values()]
    .filter((model) => isOfTimm(model) && model.name.startsWith(family))
    .map(({ name }) => name)
    .sort((a, b) => common(b) - common(a))
    .slice(0, 5);
}

/** Fields of our configuration. What timm was told to change has the same names here; what is not known here is refused where it is checked. */
function fieldsOf(config: TimmConfig, registered: RegisteredModel, where: string): Record<string, unknown> {
  const { pretrained: _, global_pool, img_size, in_chans: __, ...args } = config.model_args ?? {};
  const pool = registered.architecture === "vit" || registered.architecture === "crossvit" ? "token" : "avg";
  const other = [config.global_pool, global_pool].find((kind) => kind != null && kind !== pool);
  if (other !== undefined)
    throw new FormatError(where, `global_pool is "${other}", and only "${pool}" is computed here`, {
      hint: EXPORT_HINT,
    });
  const kept = Object.entries(args).filter(([field]) => !ONLY_IN_TRAINING.has(field));
  return { ...preprocessingFields(config, registered), ...Object.fromEntries(kept) };
}

const ONLY_IN_TRAINING = new Set(["proj_drop_rate", "attn_drop_rate", "pos_drop_rate", "patch_drop_rate"]);

/** timm's, where a file does not say. */
const USUAL_SIZE = [3, 224, 224] as const;

/** The picture that a model was made for: one that was told its size takes that one, whatever preprocessing its family has. */
function pictureSize({ model_args, pretrained_cfg }: TimmConfig): Extent {
  const told = model_args?.img_size;
  if (told != null) return extentOf(told);
  const [, height, width] = pretrained_cfg.input_size ?? USUAL_SIZE;
  return { height, width };
}

/** Our fields for preprocessing, as far as they can say the same: the transform says all of it. */
function preprocessingFields(config: TimmConfig, { architecture }: RegisteredModel): Record<string, unknown> {
  const { crop_pct, interpolation } = config.pretrained_cfg;
  const size = pictureSize(config);
  const isFixed = ["vit", "swin", "swinv2", "crossvit"].includes(architecture);
  const normalization = preset(config.pretrained_cfg);
  return {
    ...(isFixed ? { img_size: imageSizeOf(size) } : { input_size: Math.min(size.height, size.width) }),
    ...(crop_pct != null && crop_pct >= 0.1 && crop_pct <= 1 ? { crop_pct } : {}),
    ...(interpolation === "bicubic" || interpolation === "bilinear" ? { interpolation } : {}),
    ...(normalization === undefined ? {} : { normalization }),
  };
}

function preset({ mean, std }: TimmConfig["pretrained_cfg"]): "imagenet" | "inception" | undefined {
  const same = (name: "imagenet" | "inception") =>
    NORMALIZATIONS[name].mean.join() === (mean ?? NORMALIZATIONS.imagenet.mean).join() &&
    NORMALIZATIONS[name].std.join() === (std ?? NORMALIZATIONS.imagenet.std).join();
  return (["imagenet", "inception"] as const).find(same);
}

const EVALUATION_FIELDS = ["input_size", "crop_pct", "crop_mode", "interpolation", "mean", "std"] as const;

/** timm's evaluation, with its defaults for what is not said. */
function timmEvaluation(config: TimmConfig, where: string): TransformOp[] {
  const { pretrained_cfg: pretrained } = config;
  if (!EVALUATION_FIELDS.some((field) => pretrained[field] != null))
    throw new FormatError(where, "it does not say how pictures are prepared (pretrained_cfg)", {
      hint: TRANSFORM_HINT,
    });
  const { height, width } = pictureSize(config);
  const filter = pretrained.interpolation ?? "bicubic";
  const share = pretrained.crop_pct || 0.875;
  const [tall, wide] = [Math.floor(height / share), Math.floor(width / share)];
  const mode = pretrained.crop_mode ?? "center";
  if (mode === "border")
    throw new FormatError(where, 'crop_mode is "border", which the transform language cannot say', {
      hint: TRANSFORM_HINT,
    });
  const resize = (): TransformOp => {
    if (mode === "squash") return { op: "resize", width: wide, height: tall, filter };
    if (tall === wide) return { op: "resize_small", size: tall, filter };
    // For oblong pictures timm passes no interpolation on, and its default is bilinear.
    return { op: "resize_cover", width: wide, height: tall, filter: "bilinear" };
  };
  const { mean, std } = {
    mean: pretrained.mean ?? NORMALIZATIONS.imagenet.mean,
    std: pretrained.std ?? NORMALIZATIONS.imagenet.std,
  };
  return [resize(), { op: "central_crop", width, height }, { op: "normalize", mean, std }];
}

/** Names by index: descriptions where there are any, because the names they describe are often codes. */
function labelsOf(config: TimmConfig, classes: number, where: string): readonly string[] | undefined {
  const { label_names: names, label_descriptions: descriptions } = config;
  if (names == null) return undefined;
  const byIndex = Array.from({ length: classes }, (_, i) => (Array.isArray(names) ? names[i] : names[String(i)]));
  const given = Array.isArray(names) ? names.length : Object.keys(names).length;
  const hint = "correct label_names, or take it out";
  if (given !== classes)
    throw new FormatError(where, `label_names has ${given} entries; the model scores ${classes} classes`, { hint });
  const missing = byIndex.indexOf(undefined);
  if (missing >= 0) throw new FormatError(where, `label_names has no entry for class ${missing}`, { hint });
  const described = new Map(Object.entries(descriptions ?? {}));
  return withoutPlaceholders(byIndex.map((name) => described.get(name!) ?? name!));
}
