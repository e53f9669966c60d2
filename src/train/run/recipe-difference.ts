// Whether two recipes are the same, and where they are not.
import type { Json } from "./checkpoint-progress.ts";

/** A field that two recipes give differently; undefined where one lacks it. */
export interface RecipeDifference {
  /** Dotted: "optimizer.weight_decay", "model.config.width_configs.2". */
  readonly field: string;
  readonly before: Json | undefined;
  readonly now: Json | undefined;
}

/** What JSON keeps of a value: undefined fields go. */
export function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** Every field that differs, sorted by name. The order of fields does not matter. */
export function recipeDifferences(before: Json, now: Json): readonly RecipeDifference[] {
  const old = new Map(leaves(before, ""));
  const current = new Map(leaves(now, ""));
  return [...new Set([...old.keys(), ...current.keys()])]
    .sort()
    .map((field) => ({ field, before: old.get(field), now: current.get(field) }))
    .filter((difference) => JSON.stringify(difference.before) !== JSON.stringify(difference.now));
}

function* leaves(value: Json, path: string): Generator<readonly [string, Json]> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value as Record<string, Json>) : [];
  // An empty list or object is a value too: otherwise it would equal its absence.
  if (entries.length === 0) yield [path, value];
  for (const [key, child] of entries) yield* leaves(child, path === "" ? key : `${path}.${key}`);
}

/**
 * Sixteen hexadecimal digits that are the same for recipes with the same fields (64-bit FNV-1a of the sorted fields). It tells recipes apart
 * that differ by accident, no more.
 */
export function recipeFingerprint(recipe: unknown): string {
  const fields = [...leaves(asJson(recipe), "")].sort(([a], [b]) => (a < b ? -1 : 1));
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(JSON.stringify(fields)))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, "0");
}
