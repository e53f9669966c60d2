// Names of classes: as folders have them, as people read them, and as two spellings are compared.

/** What a class folder means: "guinea-pig" and "guinea_pig" are "guinea pig". */
export function labelFromFolder(name: string): string {
  return name.replace(/[-_]+/g, " ").trim() || name;
}

/** Two labels with the same key are the same label. */
export function labelKey(label: string): string {
  return labelFromFolder(label).toLowerCase().replace(/\s+/g, " ");
}

/**
 * Numbers for the names of classes that items have, in an order that does not depend on the items' order: numerically when all are
 * numbers, else by name.
 */
export function indexLabels(names: Iterable<string>): readonly string[] {
  const unique = [...new Set(names)];
  const allNumbers = unique.every((name) => /^\d{1,15}$/.test(name));
  return allNumbers ? unique.sort((a, b) => Number(a) - Number(b)) : unique.sort();
}

/** The labels of a text file with one a line. Empty lines at the end do not count. */
export function readLabelLines(text: string): string[] {
  return text
    .replace(/^\ufeff/, "")
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
}
