// Names of classes: as folders have them, how they are numbered, and how two spellings of one are matched.

/** The labels of class folders: their names, in Unicode's composed form where that keeps them apart (macOS takes letters and accents apart). */
export function labelsOfFolders(names: readonly string[]): string[] {
  const composed = names.map((name) => name.normalize("NFC"));
  return new Set(composed).size === new Set(names).size ? composed : [...names];
}

/**
 * A label with one space between its words, however a folder's name joins them. Dashes count where they do not stand between words: "-30" is not
 * "30", nor "A-" "A".
 */
function wordsOf(label: string): string {
  return label
    .normalize("NFC")
    .trim()
    .replace(/(?<=[\p{L}\p{N}])[\s_-]+(?=[\p{L}\p{N}])/gu, " ");
}

/** What two spellings of a label have in common: "Guinea-Pig" and "guinea_pig" are alike. */
export function labelKey(label: string): string {
  return wordsOf(label.toLowerCase().replace(/[(),]/g, " "));
}

/** Whether two lists name the same classes in the same order, however they are spelled. */
export function sameLabels(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((label, i) => labelKey(label) === labelKey(b[i]!));
}

/** How the labels of one list are those of another. */
export interface LabelMatching {
  /** Of every wanted label its place among the known ones; -1 where it is none of them. */
  readonly indices: readonly number[];
  /** Pairs that differ in more than how their words are joined. */
  readonly respelled: readonly { readonly wanted: string; readonly known: string }[];
  /** Labels that could be matched in more than one way, and are not. */
  readonly ambiguous: readonly { readonly wanted: readonly string[]; readonly known: readonly number[] }[];
}

/** The names of a class that is called by several: "sunglasses, dark glasses, shades". */
export const namesOf = (label: string): string[] => label.split(/,\s+/);

/** Ways to compare, strictest first: two labels fit when they have a key in common. */
const COMPARISONS: readonly ((label: string) => readonly string[])[] = [
  (label) => [label],
  (label) => [label.normalize("NFC").trim()],
  (label) => [wordsOf(label)],
  (label) => [labelKey(label)],
  (label) => namesOf(label).slice(0, 1).map(labelKey),
  (label) => namesOf(label).map(labelKey),
];
/** With the first ways, which differ in nothing that anybody means, there is nothing to notice. */
const UNNOTICED = 3;

/**
 * Finds labels among others by name: as they are; in Unicode's composed form; whether words are joined by `_`, `-` or a space; in whatever case;
 * by the first of several names; by any of them. A label that was found is not found again for another spelling, so two never become one.
 */
export function matchNames(wanted: readonly string[], known: readonly string[]): LabelMatching {
  const indices = wanted.map(() => -1);
  const taken = new Set<number>();
  const respelled: { wanted: string; known: string }[] = [];
  const ambiguous: { wanted: string[]; known: number[] }[] = [];
  const settled = new Set<number>();
  for (const [strictness, keysOf] of COMPARISONS.entries()) {
    const open = [...wanted.keys()].filter((i) => !settled.has(i));
    const left = [...known.keys()].filter((i) => !taken.has(i));
    for (const { wanted: asking, known: candidates } of groups(wanted, open, known, left, keysOf)) {
      for (const i of asking) settled.add(i);
      const [i, index] = [asking[0]!, candidates[0]!];
      if (asking.length > 1 || candidates.length > 1)
        ambiguous.push({ wanted: asking.map((place) => wanted[place]!), known: candidates });
      else {
        indices[i] = index;
        taken.add(index);
        if (strictness >= UNNOTICED) respelled.push({ wanted: wanted[i]!, known: known[index]! });
      }
    }
  }
  return { indices, respelled, ambiguous };
}

interface Group {
  readonly wanted: number[];
  readonly known: number[];
}

/** Wanted and known labels that hang together by common keys. */
function groups(
  wanted: readonly string[],
  open: readonly number[],
  known: readonly string[],
  left: readonly number[],
  keysOf: (label: string) => readonly string[],
): Group[] {
  const byKey = new Map<string, number[]>();
  for (const index of left)
    for (const key of new Set(keysOf(known[index]!))) byKey.set(key, [...(byKey.get(key) ?? []), index]);
  const groupOf = new Map<number, Group>();
  for (const i of open) {
    const found = new Set(keysOf(wanted[i]!).flatMap((key) => byKey.get(key) ?? []));
    const joined = new Set([...found].flatMap((index) => groupOf.get(index) ?? []));
    const group: Group = { wanted: [...joined].flatMap((each) => each.wanted), known: [] };
    group.wanted.push(i);
    group.known.push(...new Set([...[...joined].flatMap((each) => each.known), ...found]));
    for (const index of group.known) groupOf.set(index, group);
  }
  return [...new Set(groupOf.values())];
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
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
}
