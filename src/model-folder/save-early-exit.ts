// Thresholds for average budgets, written into a model folder that is there already: `saccade eval --save-thresholds`.
import { UsageError } from "../errors.ts";
import type { Files, Host } from "../platform/host.ts";
import { decodeText } from "../text-file.ts";
import { earlyExitEntry, parseConfigFile, printConfigFile } from "./config-file.ts";
import { bundledFolder } from "./load.ts";
import type { EarlyExit } from "./model.ts";

/** The configuration of a folder that thresholds can be written to. Throws UsageError for models that are anything else. */
export async function requireOwnFolder(host: Host, model: string): Promise<string> {
  const isBundled = (await bundledFolder(host, model)) !== undefined;
  if (!isBundled && (await host.files.stat(model))?.isDirectory) return model;
  throw new UsageError(
    `what is found out about a model is saved in its folder, and ${model} is ${isBundled ? "part of this program" : "none"}`,
    `make one: saccade convert ${model} FOLDER`,
  );
}

/** Sets `early_exit` of the folder's config.json and leaves the rest of it as it is. The file changes as a whole or not at all. */
export async function saveEarlyExit(
  files: Pick<Files, "read" | "join" | "writeAtomic">,
  folder: string,
  earlyExit: EarlyExit,
): Promise<void> {
  const path = files.join(folder, "config.json");
  const file = parseConfigFile(decodeText(await files.read(path, { maxBytes: 64 * 2 ** 20 }), path), path);
  await files.writeAtomic(path, printConfigFile({ ...file, early_exit: earlyExitEntry(earlyExit) }));
}
