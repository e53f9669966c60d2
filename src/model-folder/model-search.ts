// Which of the models that have a name somebody looks for: by family and words, which nothing is counted for, and by what they cost at most.
import { NotFoundError } from "../errors.ts";
import type { TotalCost } from "../models/cost.ts";
import { didYouMean } from "../nearest-name.ts";
import type { ListedModel } from "./listing.ts";

export interface ModelQuery {
  /** Names of architectures; a model is of any one of them. */
  readonly families?: readonly string[];
  /** What its name, summary, family or licence has, in any case: all the words of it. */
  readonly text?: string;
  readonly maxParameters?: number;
  /** Multiply-accumulates, at the size that is counted for. */
  readonly maxMacs?: number;
}

/**
 * The models of these families that have these words, in their order.
 *
 * @throws NotFoundError for a family that no model is of, with the one that is nearest
 */
export function modelsLike(models: readonly ListedModel[], { families, text = "" }: ModelQuery): ListedModel[] {
  const known = [...new Set(models.map(({ architecture }) => architecture))];
  const unknown = families?.find((family) => !known.includes(family.toLowerCase()));
  if (unknown !== undefined)
    throw new NotFoundError("family of models", unknown, `${didYouMean(unknown, known)}there are ${known.join(", ")}`);
  const asked = families?.map((family) => family.toLowerCase());
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter(({ name, summary, architecture, licence = "" }) => {
    const said = [name, summary, architecture, licence].join(" ").toLowerCase();
    return (asked?.includes(architecture) ?? true) && words.every((word) => said.includes(word));
  });
}

/** Whether a model costs no more than is asked for. One that does not take the size is within no limit. */
export function isWithin(cost: TotalCost | undefined, { maxParameters, maxMacs }: ModelQuery): boolean {
  if (maxParameters === undefined && maxMacs === undefined) return true;
  if (cost === undefined) return false;
  return (
    cost.parameters <= (maxParameters ?? Number.POSITIVE_INFINITY) && cost.macs <= (maxMacs ?? Number.POSITIVE_INFINITY)
  );
}
