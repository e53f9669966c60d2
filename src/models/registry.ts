// Models with a name: architecture, configuration, labels, licence, and where the official weights are. A name is looked up only here;
// anything with a slash or an extension is a path.
import { NotFoundError } from "../errors.ts";
import type { Architecture } from "./architecture.ts";
import { architectures } from "./architectures.ts";
import { bootstrappedConfig, type SparseformerConfigInput, v1Config } from "./sparseformer/config.ts";

export interface OfficialWeights {
  readonly url: string;
  /** As the authors state it. */
  readonly licence: string;
}

export interface RegisteredModel {
  readonly name: string;
  readonly summary: string;
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Key into labels.ts, or undefined for embeddings. */
  readonly labels?: "imagenet-1k";
  readonly weights?: OfficialWeights;
}

const RELEASE = "https://github.com/showlab/sparseformer/releases/download/v2.0.0-refactor";

function official(
  name: string,
  summary: string,
  config: SparseformerConfigInput,
  labels?: "imagenet-1k",
): RegisteredModel {
  return {
    name,
    summary,
    architecture: "sparseformer",
    config: { ...config, model_type: name },
    ...(labels === undefined ? {} : { labels }),
    weights: { url: `${RELEASE}/${name}_converted.pth`, licence: "MIT" },
  };
}

const v1 = (size: string, tokens: number, width: number, cortexUnits: number, dropPathRate: number) =>
  official(
    `sparseformer_v1_${size}`,
    `SparseFormer-${size[0]!.toUpperCase()}: ${tokens} tokens, ImageNet-1k`,
    v1Config({ tokens, focusWidth: width / 2, cortexWidth: width, cortexUnits, dropPathRate }),
    "imagenet-1k",
  );

const bootstrapped = (
  head: "augreg" | "openai_clip",
  size: string,
  tokens: number,
  width: number,
  cortexUnits: number,
) =>
  official(
    `sparseformer_btsp_${head}_${size}`,
    head === "augreg"
      ? `bootstrapped from a ViT (AugReg), ${tokens + 1} tokens, ImageNet-1k`
      : `bootstrapped from CLIP, ${tokens + 1} tokens, image embeddings`,
    bootstrappedConfig({
      tokens,
      focusWidth: width / 2,
      cortexWidth: width,
      cortexUnits,
      head: head === "augreg" ? "imagenet" : "clip",
      projectionWidth: head === "augreg" ? 1000 : size === "base" ? 512 : 768,
    }),
    head === "augreg" ? "imagenet-1k" : undefined,
  );

const models: readonly RegisteredModel[] = [
  v1("tiny", 49, 512, 8, 0.2),
  v1("small", 64, 640, 8, 0.3),
  v1("base", 81, 768, 10, 0.4),
  bootstrapped("augreg", "base", 48, 768, 8),
  bootstrapped("augreg", "large", 48, 1024, 16),
  bootstrapped("openai_clip", "base", 48, 768, 8),
  bootstrapped("openai_clip", "large", 63, 1024, 16),
  {
    name: "media_sparseformer_v1_tiny",
    summary: "SparseFormer-T for video: tokens in four slices of time, takes the image model's weights",
    architecture: "media_sparseformer",
    config: {
      ...v1Config({ tokens: 49, focusWidth: 256, cortexWidth: 512, cortexUnits: 8, dropPathRate: 0.2 }),
      model_type: "sparseformer_v1_tiny",
      replicates: 4,
    },
    labels: "imagenet-1k",
    weights: { url: `${RELEASE}/sparseformer_v1_tiny_converted.pth`, licence: "MIT" },
  },
];

/** Every registered model, in the order of the listing. */
export const registry: ReadonlyMap<string, RegisteredModel> = new Map(models.map((model) => [model.name, model]));

/** A model that can be built: its architecture and the checked configuration. */
export interface ModelDefinition {
  readonly architecture: Architecture<unknown>;
  readonly config: unknown;
  /** The registry's entry when the name was a registered one. */
  readonly registered?: RegisteredModel;
}

/** `name` is an architecture ("sparseformer") or a registered model, whose configuration `overrides` then changes field by field. */
export function defineModel(name: string, overrides: unknown = {}): ModelDefinition {
  const architecture = architectures.get(name);
  if (architecture !== undefined) return { architecture, config: architecture.parseConfig(overrides) };
  const registered = registry.get(name);
  if (registered === undefined)
    throw new NotFoundError("model", name, `known: ${[...architectures.keys(), ...registry.keys()].join(", ")}`);
  const family = architectures.get(registered.architecture)!;
  const merged = { ...registered.config, ...(overrides as Record<string, unknown>) };
  return { architecture: family, config: family.parseConfig(merged), registered };
}
