// Where a learnt head's weights are: in a file of their own beside the model's, so that learning on writes little, or among the model's.
import type { Files } from "../platform/host.ts";
import { readWeights } from "../weights/load.ts";
import type { NamedTensors } from "../weights/remap.ts";
import type { ConfigFile } from "./config-file.ts";
import { MAX_WEIGHT_BYTES } from "./folder-weights.ts";

/** The tensors of the head's own file; none where there is no such file. Throws NotFoundError where it is missing, FormatError where it is damaged. */
export async function readHeadWeights(files: Files, folder: string, { learnt }: ConfigFile): Promise<NamedTensors> {
  if (learnt?.weights === undefined) return new Map();
  const bytes = await files.readBeside(files.join(folder, "config.json"), learnt.weights, {
    maxBytes: MAX_WEIGHT_BYTES,
  });
  return readWeights(bytes, files.join(folder, learnt.weights)).tensors;
}
