// From what a config.json says to a definition: its architecture, and the learnt head on it where there is one.
import { withLearntHead } from "../models/learnt-head/decorate.ts";
import { changedModel, type ModelDefinition } from "../models/registry.ts";
import type { ConfigFile } from "./config-file.ts";

/** @param changes fields of the configuration that a caller changes */
export function definitionOf(
  { architecture, config, head }: ConfigFile,
  changes?: Readonly<Record<string, unknown>>,
): ModelDefinition {
  const definition = changedModel(architecture, config, changes);
  return head === undefined ? definition : withLearntHead(definition, head);
}
