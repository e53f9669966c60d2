// What wrappers around a model put in front of its names: DataParallel `module.` before all of them; torch.compile `_orig_mod.`, fully sharded
// training `_fsdp_wrapped_module.` and activation checkpointing `_checkpoint_wrapped_module.` wherever a wrapped module begins.
import { FormatError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { quote } from "./quote.ts";

const ANYWHERE = ["_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."];

export interface Unwrapped {
  readonly tensors: Map<string, TensorData>;
  /** Prefixes that were removed. */
  readonly strippedPrefixes: readonly string[];
}

/** Named tensors under the model's own names. Throws FormatError when two of them end up under one name. */
export function stripWrapperPrefixes(named: ReadonlyMap<string, TensorData>): Unwrapped {
  let names = [...named.keys()];
  const strippedPrefixes: string[] = [];
  for (const prefix of ANYWHERE) {
    const bare = names.map((name) => withoutPart(name, prefix));
    if (bare.some((name, i) => name !== names[i])) strippedPrefixes.push(prefix);
    names = bare;
  }
  // Only when all have it: one submodule may well be called "module".
  while (names.length > 0 && names.every((name) => name.startsWith("module."))) {
    names = names.map((name) => name.slice("module.".length));
    if (!strippedPrefixes.includes("module.")) strippedPrefixes.push("module.");
  }
  const tensors = new Map<string, TensorData>();
  for (const [i, tensor] of [...named.values()].entries()) {
    const name = names[i]!;
    if (tensors.has(name))
      throw new FormatError("checkpoint", `two tensors are named ${quote(name)} once prefixes are removed`);
    tensors.set(name, tensor);
  }
  return { tensors, strippedPrefixes };
}

/** A name without the parts of its path that are `part`: "a._orig_mod._orig_mod.w" -> "a.w". */
function withoutPart(name: string, part: string): string {
  const own = part.slice(0, -1);
  return name.includes(part)
    ? name
        .split(".")
        .filter((piece) => piece !== own)
        .join(".")
    : name;
}

/** A sentence about what was removed; none where nothing was. */
export function prefixNotes(strippedPrefixes: readonly string[]): string[] {
  return strippedPrefixes.length === 0 ? [] : [`prefixes were removed from names: ${strippedPrefixes.join(", ")}`];
}
