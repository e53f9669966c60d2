// What a model's preprocessing ends in, for recipes that are made for the model.

/** "normalize(imagenet)" or "value_range(0,1)", say: what a transform does to values alone, which its text can only end in. Values are 0 to 1 without it. */
export function normalizationIn(transform: string): string {
  return /(?:normalize|value_range)\([^)]*\)$/.exec(transform)?.[0] ?? "value_range(0,1)";
}
