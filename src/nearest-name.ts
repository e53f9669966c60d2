// Names that are nearly right.

/** "did you mean fine-tune? " where one of the names is near to what was given, else "". */
export function didYouMean(given: string, names: readonly string[]): string {
  const distances = names.map((name) =>
    Math.min(...spellings(name).map((one) => editDistance(given.toLowerCase(), one))),
  );
  const nearest = distances.indexOf(Math.min(...distances));
  return nearest >= 0 && distances[nearest]! <= Math.max(2, given.length / 2) ? `did you mean ${names[nearest]}? ` : "";
}

/** A name, and what stands after its slash: "saccade/everyday" is called everyday too. */
function spellings(name: string): string[] {
  const lower = name.toLowerCase();
  return [lower, lower.replace(/^.*\//, "")];
}

/** No name is longer; what is may be a path of any length. */
const LONGEST = 100;

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  if (a.length > LONGEST) return a.length;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
