// Which features are the same the next time: everything that changes their numbers, however little, is a part of the name they are kept under.
import type { DigestHost, Host } from "../../platform/host.ts";
import { version } from "../../version.ts";
import { DEFAULT_DECODING } from "../engine/engine.ts";
import type { AnswerMemory } from "../engine/known-answers.ts";
import type { EmbedderOptions, EmbedOptions } from "./embedder.ts";
import { openFeatureCache } from "./feature-cache.ts";
import { type EmbeddingSpace, shortDigest } from "./space.ts";

/** What an embedder remembers of pictures. */
export interface FeatureMemory {
  /** Numbers that the model gives for a view. */
  readonly width: number;
  /** What is kept of pictures: the mean of their views, or each view's features. Absent where nothing is. */
  readonly open?: (kind: "mean" | "views", options: EmbedOptions) => Promise<AnswerMemory<Float32Array>>;
}

/** @param raw the space of what the model gives */
export function featureMemory(
  host: Host & DigestHost,
  raw: EmbeddingSpace,
  { cache = false, device = "auto", onNotice }: EmbedderOptions,
): FeatureMemory {
  if (!cache) return { width: raw.width };
  const opened = new Map<string, Promise<AnswerMemory<Float32Array>>>();
  return {
    width: raw.width,
    async open(kind, { decode = DEFAULT_DECODING, background }) {
      // Devices and releases differ by rounding at least.
      const id = await shortDigest(host, JSON.stringify([raw.id, kind, decode, background ?? null, device, version]));
      const known = opened.get(id) ?? openFeatureCache(host, { kind: id, width: raw.width, onNotice });
      opened.set(id, known);
      return known;
    },
  };
}
