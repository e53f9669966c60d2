// What is wrong with annotations: every fault has a kind, is counted, and is named with where it is. Nothing is left out or mended without a word.
import { type DataProblem, list } from "../dataset.ts";

/** Kinds of faults, with what is done about them, for one and for many. */
const KINDS = {
  outside: ["box lies outside of its picture: left out", "boxes lie outside of their pictures: left out"],
  clipped: ["box reaches beyond its picture: cut off there", "boxes reach beyond their pictures: cut off there"],
  empty: ["box encloses nothing: left out", "boxes enclose nothing: left out"],
  not_numbers: ["has coordinates that are no numbers: left out", "have coordinates that are no numbers: left out"],
  no_place: ["says neither box nor outline: left out", "say neither box nor outline: left out"],
  unknown_class: ["is of a class that is not listed: left out", "are of classes that are not listed: left out"],
  unknown_picture: ["is of a picture that is not listed: left out", "are of pictures that are not listed: left out"],
  few_points: [
    "outline has fewer than three points and encloses nothing: the outline is left out",
    "outlines have fewer than three points and enclose nothing: the outlines are left out",
  ],
  other_size: [
    "mask is of another size than its picture: the mask is left out",
    "masks are of another size than their pictures: the masks are left out",
  ],
  damaged_mask: ["mask is damaged: the mask is left out", "masks are damaged: the masks are left out"],
  no_area: ["shape has no area (point, line): left out", "shapes have no area (points, lines): left out"],
  twice: ["picture is listed twice: the first is taken", "pictures are listed twice: the first is taken"],
  missing: ["picture is not there: left out", "pictures are not there: left out"],
  no_mask: ["picture has no mask: left out", "pictures have no masks: left out"],
  leads_away: ["path leads out of the data's folder: left out", "paths lead out of the data's folder: left out"],
  unreadable: ["file cannot be understood: left out", "files cannot be understood: left out"],
  unannotated: [
    "picture has no annotations: it stays, as one of nothing",
    "pictures have no annotations: they stay, as ones of nothing",
  ],
} as const;

export type FaultKind = keyof typeof KINDS;

/** Of these something stays in use. */
const MENDED: ReadonlySet<FaultKind> = new Set([
  "clipped",
  "few_points",
  "other_size",
  "damaged_mask",
  "twice",
  "unannotated",
]);

/** All faults of a kind. */
export interface FaultCount {
  readonly kind: FaultKind;
  readonly count: number;
  /** What happened to them, in words. */
  readonly text: string;
  /** Where the first of them are. */
  readonly examples: readonly string[];
}

const EXAMPLES = 5;

export class Faults {
  readonly #counts = new Map<FaultKind, { count: number; readonly examples: string[] }>();
  readonly #leftOut: DataProblem[] = [];

  /** @param where "instances_train.json: annotation 17 (000012.jpg)" @param detail what is wrong, where the kind does not say it all */
  add(kind: FaultKind, where: string, detail?: string): void {
    const known = this.#counts.get(kind) ?? { count: 0, examples: [] };
    known.count += 1;
    if (known.examples.length < EXAMPLES) known.examples.push(detail === undefined ? where : `${where}: ${detail}`);
    this.#counts.set(kind, known);
    if (MENDED.has(kind)) return;
    const reason = `${KINDS[kind][0]}`.replace(/: left out$/, "");
    this.#leftOut.push({ name: where, reason: detail ?? reason });
  }

  /** What was left out, one by one. */
  get leftOut(): readonly DataProblem[] {
    return this.#leftOut;
  }

  /** By kind, the most frequent first. */
  get counts(): readonly FaultCount[] {
    return [...this.#counts]
      .map(([kind, { count, examples }]) => ({ kind, count, text: KINDS[kind][count === 1 ? 0 : 1], examples }))
      .sort((a, b) => b.count - a.count);
  }
}

/** "3 boxes lie outside of their pictures: left out (train.json: annotation 7, …)" */
export function describeFault({ count, text, examples }: FaultCount): string {
  const more = count > examples.length ? ", …" : "";
  return `${count} ${text} (${list(examples, EXAMPLES)}${more})`;
}
