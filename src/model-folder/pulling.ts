// Official weights: where they are, and whether a downloaded file is them. How a file is fetched and kept is the platform's affair.
import { NotFoundError, UsageError } from "../errors.ts";
import type { OfficialFile } from "../models/registered-model.ts";
import { defineModel, registry } from "../models/registry.ts";
import { didYouMean } from "../nearest-name.ts";
import { readWeights } from "../weights/load.ts";
import { nativeModel } from "./native.ts";

/** Where a registered model's official weights are. Throws NotFoundError for an unknown name, UsageError where there are none. */
export function officialWeights(name: string): OfficialFile {
  const model = registry.get(name);
  if (model === undefined)
    throw new NotFoundError(
      "model",
      name,
      `${didYouMean(name, [...registry.keys()])}names are listed by: saccade models`,
    );
  if (model.weights === undefined)
    throw new UsageError(
      `${name} has no official weights that a program can ask for`,
      "a file of yours is read by its path: --model FILE --architecture NAME",
    );
  return model.weights;
}

/** A web page, a cut-off file and another model's weights never become this model's. Throws FormatError, WeightsMismatchError. */
export function requireWeightsOf(name: string, bytes: Uint8Array): void {
  const { tensors } = readWeights(bytes, "the downloaded file");
  nativeModel(defineModel(name), tensors, { name });
}
