// Whose features are used when nobody says: the best that is here.
import { UsageError } from "../errors.ts";
import { listModels } from "../model-folder/listing.ts";
import { inferenceGraph, parameterCount } from "../models/graph.ts";
import type { Host } from "../platform/host.ts";

/** A named model of pictures whose weights are here. */
export interface ModelAtHand {
  readonly name: string;
  readonly isBundled: boolean;
}

/** Bundled and pulled models, those with most parameters first. */
export async function modelsAtHand(host: Host): Promise<ModelAtHand[]> {
  const usable = (await listModels(host)).filter(({ weights, input }) => weights !== "not here" && input === "image");
  return usable
    .map(({ name, weights, definition }) => ({
      name,
      isBundled: weights === "bundled",
      size: parameterCount(inferenceGraph(definition)),
    }))
    .sort((a, b) => b.size - a.size)
    .map(({ name, isBundled }) => ({ name, isBundled }));
}

/** Of the pulled models the one with most parameters; without any, the one that comes with the package. */
export async function defaultBackbone(host: Host, onNotice?: (line: string) => void): Promise<string> {
  const [best] = await modelsAtHand(host);
  if (best === undefined) throw new UsageError("there is no model to learn on", "name one: --model MODEL");
  const why = best.isBundled ? "it comes with saccade; stronger ones: saccade models" : "the largest that is here";
  onNotice?.(`features of ${best.name} (${why})`);
  return best.name;
}
