// config.json of a model folder: which architecture, its configuration under the official parameter names, and what a model never travels
// without: labels, preprocessing, licence, provenance.
import { z } from "zod";
import { FormatError } from "../errors.ts";
import { faultsText } from "../models/check-config.ts";
import { clipEntry, clipFacts, clipSchema } from "./clip-entry.ts";
import { headSchema, learntEntry, learntFacts, learntSchema } from "./learnt-entry.ts";
import type { EarlyExit, ModelCard } from "./model.ts";

/** Version of the layout itself; readers refuse a newer one. */
export const CONFIG_VERSION = 1;

const share = z.number().min(0).max(1);

/** When a model that runs in steps may stop: as `saccade eval --save-thresholds` solved it. */
const earlyExitSchema = z.object({
  data: z.string().max(10_000).optional(),
  pictures: z.int().min(1).optional(),
  points: z
    .array(
      z.object({
        /** Mean cost of a picture, as a share of what all steps cost. */
        share,
        top1: share.optional(),
        /** A probability for each step. */
        thresholds: z.array(z.number()).min(2).max(1000),
      }),
    )
    .min(1)
    .max(1000),
});

const configFileSchema = z.looseObject({
  saccade: z.int().min(1).optional(),
  /** An architecture ("sparseformer"), a registered model ("sparseformer_v1_tiny"), or "onnx": a learnt head on an ONNX file. */
  architecture: z.string().min(1).max(200),
  config: z.record(z.string(), z.unknown()).default({}),
  labels: z.array(z.string().max(1000)).max(1_000_000).optional(),
  /** Evaluation preprocessing in the transform language. */
  transform: z.string().max(10_000).optional(),
  licence: z.string().max(1000).optional(),
  /** Where the weights come from and how they were made: free, flat facts. */
  provenance: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  early_exit: earlyExitSchema.optional(),
  /** Of a model of videos: which frames it sees. */
  clip: clipSchema.optional(),
  /** A probability: answers that are less sure are called unknown. */
  unknown_below: share.optional(),
  /** The text model whose vectors this one's are compared with. */
  text_model: z.string().min(1).max(4096).optional(),
  /** A learnt head in place of the architecture's own answer, and how it came about. */
  head: headSchema.optional(),
  learnt: learntSchema.optional(),
  /** The objective of pre-training without labels; the last layer has learnt nothing. */
  pretext: z.string().min(1).max(100).optional(),
});

export type ConfigFile = z.infer<typeof configFileSchema>;

/** Throws FormatError naming the field. `where` is the path, for messages. */
export function parseConfigFile(text: string, where: string): ConfigFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(where, `not valid JSON (${(cause as Error).message})`, { cause });
  }
  const result = configFileSchema.safeParse(json);
  if (!result.success) throw new FormatError(where, faultsText(result.error));
  if ((result.data.saccade ?? 1) > CONFIG_VERSION)
    throw new FormatError(
      where,
      `layout version ${result.data.saccade} is newer than this program understands (${CONFIG_VERSION})`,
      {
        hint: "update saccade",
      },
    );
  return result.data;
}

/** What a config.json says about its model. */
export function cardOf(file: ConfigFile, name: string): ModelCard {
  const { labels, transform, licence, provenance, early_exit: earlyExit, text_model: textModel, learnt } = file;
  const { unknown_below: unknownBelow, clip, pretext } = file;
  return {
    name,
    ...(labels === undefined ? {} : { labels }),
    ...(transform === undefined ? {} : { transform }),
    ...(licence === undefined ? {} : { licence }),
    ...(provenance === undefined ? {} : { provenance }),
    ...(earlyExit === undefined ? {} : { earlyExit }),
    ...(textModel === undefined ? {} : { textModel }),
    ...(unknownBelow === undefined ? {} : { unknownBelow }),
    ...(clip === undefined ? {} : { clip: clipFacts(clip) }),
    ...(learnt === undefined ? {} : { learnt: learntFacts(learnt) }),
    ...(pretext === undefined ? {} : { pretext }),
  };
}

/** The entry `early_exit`, without what is not known. */
export function earlyExitEntry({ data, pictures, points }: EarlyExit): NonNullable<ConfigFile["early_exit"]> {
  return {
    ...(data === undefined ? {} : { data }),
    ...(pictures === undefined ? {} : { pictures }),
    points: points.map(({ share, top1, thresholds }) => ({
      share,
      ...(top1 === undefined ? {} : { top1 }),
      thresholds: [...thresholds],
    })),
  };
}

/** What a card says, as fields of a config.json. */
export function cardEntries(card: ModelCard) {
  const { labels, transform, licence, provenance, earlyExit, textModel, unknownBelow, clip, learnt, pretext } = card;
  return {
    ...(labels === undefined ? {} : { labels: [...labels] }),
    ...(transform === undefined ? {} : { transform }),
    ...(licence === undefined ? {} : { licence }),
    ...(provenance === undefined ? {} : { provenance: { ...provenance } }),
    ...(earlyExit === undefined ? {} : { early_exit: earlyExitEntry(earlyExit) }),
    ...(textModel === undefined ? {} : { text_model: textModel }),
    ...(unknownBelow === undefined ? {} : { unknown_below: unknownBelow }),
    ...(clip === undefined ? {} : { clip: clipEntry(clip) }),
    ...(learnt === undefined ? {} : { learnt: learntEntry(learnt) }),
    ...(pretext === undefined ? {} : { pretext }),
  };
}

export function printConfigFile(config: ConfigFile): string {
  return `${JSON.stringify({ saccade: CONFIG_VERSION, ...config }, undefined, 2)}\n`;
}
