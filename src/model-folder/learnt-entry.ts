// The entries `head` and `learnt` of a config.json: a head that was learnt on the model's features, and how it came about.
import { z } from "zod";
import { DISTANCES, HEAD_POOLINGS, type LearntHead, UNKNOWN_SCORES } from "../models/learnt-head/head.ts";
import type { LearntFacts } from "./model.ts";

/** Sizes that no head has which a person had a use for. They bound graphs; what is stored is as long as its file. */
const MOST_CLASSES = 100_000;
const MOST_EXAMPLES = 10_000_000;
const WIDEST = 1_000_000;
const MOST_NEIGHBOURS = 100;

const distance = z.enum(DISTANCES);
const share = z.number().min(0).max(1);
const neighbours = z.int().min(1).max(MOST_NEIGHBOURS);

const shared = {
  name: z.string().min(1).max(100),
  classes: z.int().min(1).max(MOST_CLASSES),
  width: z.int().min(1).max(WIDEST),
  layer: z.string().min(1).max(1000),
  pooling: z.enum(HEAD_POOLINGS),
  power: z.boolean(),
  normalize: z.boolean(),
  scale: z.number().positive(),
  unknown: z
    .object({
      score: z.enum(UNKNOWN_SCORES),
      threshold: z.number(),
      rate: share,
      k: neighbours.optional(),
    })
    .optional(),
  examples: z.int().min(1).max(MOST_EXAMPLES).optional(),
};

export const headSchema: z.ZodType<LearntHead> = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("linear"), ...shared }),
    z.object({ kind: z.literal("neighbours"), ...shared, k: neighbours, metric: distance }),
  ])
  .refine((head) => neighboursOf(head) <= (head.examples ?? 0), {
    error: "it asks for more neighbours than it has examples",
    path: ["examples"],
  });

/** To how many examples a head compares a picture. */
function neighboursOf(head: LearntHead): number {
  const ofRule = head.unknown?.score === "neighbours" ? (head.unknown.k ?? 1) : 0;
  return Math.max(head.kind === "neighbours" ? head.k : 0, ofRule);
}

/** The name of a file in the model's folder. */
const fileName = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,100}$/);

export const learntSchema = z.object({
  /** Files with the head's weights, where they are not among the model's, and with the features that it was learnt from. */
  weights: fileName.optional(),
  examples: fileName.optional(),
  pictures: z.array(z.int().min(0)).max(MOST_CLASSES),
  accuracy: z.object({ top1: share, low: share, high: share }).optional(),
  asked: z.record(z.string().max(100), z.union([z.string().max(100), z.number()])).optional(),
  space: z.record(z.string().max(100), z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()])),
});

export type LearntEntry = z.infer<typeof learntSchema>;

/** The entry of facts; `files` are those that lie beside the config.json. */
export function learntEntry(
  { pictures, accuracy, asked, space }: LearntFacts,
  files: Pick<LearntEntry, "weights" | "examples"> = {},
): LearntEntry {
  return {
    ...files,
    pictures: [...pictures],
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(asked === undefined ? {} : { asked: { ...asked } }),
    space: { ...space },
  };
}

export function learntFacts({ weights: _, examples: __, ...facts }: LearntEntry): LearntFacts {
  return facts;
}
