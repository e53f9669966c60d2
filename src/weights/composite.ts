// Checkpoints whose model is several state dicts side by side, each under a name of its own: the names become prefixes.
// GFNet's releases (blackfeather-wang/GFNet-Pytorch, inference.py): two encoders, the classifier, the policy.
import type { PickleDict, PickleValue } from "./pickle-values.ts";

interface Composite {
  /** All of these must be there as dicts, or the file is something else. */
  readonly required: readonly string[];
  /** These may be there too. */
  readonly optional: readonly string[];
}

const COMPOSITES: readonly Composite[] = [
  { required: ["model_prime_state_dict", "model_state_dict", "fc"], optional: ["policy"] },
];

/** The parts of a composite checkpoint by name; undefined for every other. */
export function compositeParts(root: PickleValue): ReadonlyMap<string, PickleDict> | undefined {
  if (!(root instanceof Map)) return undefined;
  const dictAt = (name: string) => {
    const value = root.get(name);
    return value instanceof Map ? value : undefined;
  };
  const kind = COMPOSITES.find(({ required }) => required.every((name) => dictAt(name) !== undefined));
  if (kind === undefined) return undefined;
  const names = [...kind.required, ...kind.optional];
  return new Map(names.flatMap((name) => (dictAt(name) === undefined ? [] : [[name, dictAt(name)!] as const])));
}
