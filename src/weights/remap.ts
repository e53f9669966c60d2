// Renaming checkpoints: ordered rules on names, and functions on the whole dict where tensors must be merged or computed.
import { FormatError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { quote } from "./quote.ts";

export type NamedTensors = ReadonlyMap<string, TensorData>;

/** Renames what matches `pattern` (as String.replace does, the first occurrence unless the pattern is global), or deletes the tensor. */
export interface RenameRule {
  readonly pattern: RegExp;
  /** The replacement; null deletes. */
  readonly to: string | null;
}

/** One step of a remap: rules on names, or a function on the whole dict. */
export type RemapStep = readonly RenameRule[] | ((tensors: NamedTensors) => NamedTensors);

/** The name after the first rule that matches: null when that rule deletes, the same name when none matches. */
export function renameOne(name: string, rules: readonly RenameRule[]): string | null {
  const rule = rules.find(({ pattern }) => name.search(pattern) >= 0);
  if (rule === undefined) return name;
  return rule.to === null ? null : name.replace(rule.pattern, rule.to);
}

/**
 * Applies steps in order. Tensors are shared with the input, which is left alone; order is kept.
 * @throws FormatError when two tensors end up under one name.
 */
export function remap(tensors: NamedTensors, steps: readonly RemapStep[]): NamedTensors {
  return steps.reduce(
    (current, step) => (typeof step === "function" ? step(current) : renameAll(current, step)),
    tensors,
  );
}

function renameAll(tensors: NamedTensors, rules: readonly RenameRule[]): NamedTensors {
  const renamed = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) {
    const target = renameOne(name, rules);
    if (target === null) continue;
    if (renamed.has(target)) throw new FormatError("checkpoint", `renaming makes two tensors named ${quote(target)}`);
    renamed.set(target, tensor);
  }
  return renamed;
}
