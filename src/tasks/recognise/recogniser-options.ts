// What a recogniser is asked for: options for heads and texts, what a folder keeps of them, and what they are when it is learnt on.
import { UsageError } from "../../errors.ts";
import type { LearntFolder } from "../../model-folder/learnt-folder.ts";
import type { DigestHost, EmbeddingsHost, Host } from "../../platform/host.ts";
import type { Embedder, EmbedderOptions } from "../embed/embedder.ts";
import { type PairedTextOptions, textOptions } from "../zero-shot/paired-texts.ts";
import { engineProducts } from "./engine-products.ts";
import type { ExampleSet } from "./example-set.ts";
import type { HeadOptions } from "./fit-recogniser.ts";
import { ClassTexts, type TextOptions } from "./label-texts.ts";
import type { ExampleOptions } from "./learn-pictures.ts";

/** What a recogniser needs of a machine. */
export type RecogniserHost = Host & DigestHost & EmbeddingsHost;

export interface RecogniserOptions
  extends Omit<EmbedderOptions, "normalize" | "power" | "projection" | "labels">,
    Omit<HeadOptions, "textWeight">,
    ExampleOptions {
  /**
   * Classes begin with the texts of their labels, which count as a few pictures: for CLIP models. The head is that of nearest means then. Default: they
   * begin with nothing.
   */
  readonly text?: boolean | TextOptions;
  readonly signal?: AbortSignal;
}

/** What decides the head. */
export function headOptions(host: RecogniserHost, options: RecogniserOptions): HeadOptions {
  const { head, C, alpha, shrinkage, k, unknown, unknownScore, seed, onFit, signal } = options;
  // Whatever there is to say of the device, the model's own session has said.
  const {
    device,
    threads,
    products = engineProducts(host, defined({ device, threads, onNotice: () => {} })),
  } = options;
  const textWeight = textsAsked(options)?.weight;
  return defined({ head, C, alpha, shrinkage, k, unknown, unknownScore, textWeight, seed, onFit, products, signal });
}

function defined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** What is kept of options, to learn on with the same. */
const KEPT = ["head", "C", "alpha", "shrinkage", "k", "textWeight", "seed"] as const;

export function askedFor(options: HeadOptions): Record<string, string | number> {
  return Object.fromEntries(KEPT.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}

/** What was asked for when it was learnt. Whatever else a file says here, fitting refuses. */
export function optionsOf({ head: { unknown }, card }: LearntFolder): HeadOptions {
  const { asked = {} } = card.learnt;
  const kept = KEPT.flatMap((name) => (asked[name] === undefined ? [] : [[name, asked[name]]]));
  return {
    ...Object.fromEntries(kept),
    ...(unknown === undefined ? {} : { unknown: unknown.rate, unknownScore: unknown.score }),
  };
}

/** The texts that classes are to begin with; undefined for none. */
export function textsAsked({ text = false }: RecogniserOptions): TextOptions | undefined {
  return text === true ? {} : text === false ? undefined : text;
}

/** Which text model, and where it runs. */
export function textModelOptions({ model }: TextOptions, options: RecogniserOptions): PairedTextOptions {
  return { ...textOptions(options), ...(model === undefined ? {} : { textModel: model }) };
}

/** What is kept of texts, to give some to new classes too. */
export function askedTexts(texts: ClassTexts | undefined): Record<string, string> {
  return texts?.source === undefined ? {} : { text: texts.source.model, textDigest: texts.source.digest };
}

interface Opened {
  readonly host: RecogniserHost;
  readonly embedder: Embedder;
  readonly options: RecogniserOptions;
  readonly folder: string;
}

/** The texts that a folder was learnt with, to give some to new classes too. */
export function textsOf(
  { card }: LearntFolder,
  { texts }: ExampleSet,
  { host, embedder, options, folder }: Opened,
): ClassTexts | undefined {
  const { text: model, textDigest: digest } = card.learnt.asked ?? {};
  const given = textsAsked(options);
  if (texts.size > 0 && typeof model === "string" && typeof digest === "string")
    return new ClassTexts(host, embedder, textModelOptions(given ?? {}, options), { model, digest });
  if (given === undefined && texts.size === 0) return undefined;
  throw new UsageError(
    texts.size > 0 ? `${folder} does not say where its texts come from` : `${folder} was learnt without texts`,
    "learn anew with them: saccade learn DATA --out NAME --text",
  );
}
