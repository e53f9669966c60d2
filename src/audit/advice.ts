// What of all findings comes first, and what to do about it: the same words for terminal and report.
import { list } from "../data/dataset.ts";
import { FEW_PICTURES, UNEVEN_RATIO } from "./balance.ts";
import type { DuplicateGroup } from "./duplicates.ts";
import { ODDITIES, type OddityKind } from "./oddities.ts";
import { type AuditResult, referenceOf } from "./result.ts";

export interface Advice {
  readonly kind: "unreadable" | "conflicts" | "leaks" | "labels" | "classes" | "copies" | "odd" | "outliers";
  /** What was found: "7 pictures are there under two labels". */
  readonly found: string;
  /** What to do about it. */
  readonly todo: string;
  /** The worst cases, all of them: a path and what is wrong with it. */
  readonly cases: readonly { readonly path: string; readonly detail: string }[];
}

/** The most important first; nothing for what is in order. */
export function adviceFor(result: AuditResult): Advice[] {
  return [
    ...unreadable(result),
    ...conflicts(result),
    ...leaks(result),
    ...labels(result),
    ...classes(result),
    ...copies(result),
    ...odd(result),
    ...outliers(result),
  ];
}

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function unreadable({ set, problems }: AuditResult): Advice[] {
  const all = [...set.unreadable, ...problems];
  if (all.length === 0) return [];
  return [
    {
      kind: "unreadable",
      found: `${count(all.length, "picture or file", "pictures or files")} cannot be used`,
      todo: "copy them again, or delete them",
      cases: all.map(({ name, reason }) => ({ path: name, detail: reason })),
    },
  ];
}

function conflicts(result: AuditResult): Advice[] {
  const groups = result.duplicates.filter(({ isConflict }) => isConflict);
  if (groups.length === 0) return [];
  return [
    {
      kind: "conflicts",
      found: `${count(groups.length, "picture is", "pictures are")} there under more than one label`,
      todo: "keep each under the right one",
      cases: groups.map((group) => caseOf(result, group)),
    },
  ];
}

function leaks(result: AuditResult): Advice[] {
  const groups = result.duplicates.filter(({ isLeak }) => isLeak);
  if (groups.length === 0) return [];
  return [
    {
      kind: "leaks",
      found: `${count(groups.length, "picture is", "pictures are")} in more than one of ${result.balance.splits.join(", ")}`,
      todo: "keep each in one of them: what was seen in training is measured too well",
      cases: groups.map((group) => caseOf(result, group)),
    },
  ];
}

/** The first picture of a group, and where the others are. */
function caseOf(result: AuditResult, { pictures, kind }: DuplicateGroup): { path: string; detail: string } {
  const [first, ...others] = pictures.map((place) => referenceOf(result, place));
  const same = kind === "exact" ? "the same file as" : "the same picture as";
  return {
    path: first!.path,
    detail: `${same} ${list(
      others.map(({ path }) => path),
      2,
    )}`,
  };
}

/** Where classifiers that have not seen a picture agree with fewer labels, the features are too weak to doubt many. */
const WEAK_AGREEMENT = 0.75;

function labels(result: AuditResult): Advice[] {
  const { labels: check, set, classNames } = result;
  if (check === undefined || check.doubts.length === 0 || check.estimated === 0) return [];
  const { estimated, doubts } = check;
  return [
    {
      kind: "labels",
      found: `about ${estimated} of ${count(set.pictures.length, "label")} are doubtful (${percent(estimated / set.pictures.length)})`,
      todo: `look at them from the top, and correct what is wrong: where classes look alike, many are the classifiers' mistakes${check.agreement < WEAK_AGREEMENT ? ", and a stronger --model makes fewer" : ""}`,
      cases: doubts.slice(0, estimated).map(({ picture, suggested, confidence }) => {
        const { path, label } = referenceOf(result, picture);
        return { path, detail: `${label}, looks like ${classNames[suggested]} (${percent(confidence)})` };
      }),
    },
  ];
}

function classes({ balance }: AuditResult): Advice[] {
  const { few, missing, ratio, classes: all } = balance;
  const sizes = all.toSorted((a, b) => a.total - b.total);
  const cases = [
    ...missing.map(({ split, labels }) => ({ path: split, detail: `no picture of ${list(labels)}` })),
    ...(few.length === 0
      ? []
      : [{ path: "few", detail: `fewer than ${FEW_PICTURES} pictures to learn from: ${list(few)}` }]),
    ...(ratio < UNEVEN_RATIO
      ? []
      : [
          {
            path: "uneven",
            detail: `${sizes.at(-1)!.label} has ${Math.round(ratio)} times as many pictures as ${sizes.find(({ total }) => total > 0)!.label}`,
          },
        ]),
  ];
  if (cases.length === 0) return [];
  return [
    {
      kind: "classes",
      found: "classes lack pictures, or have many more than others",
      todo: "add pictures of the small ones",
      cases,
    },
  ];
}

function copies(result: AuditResult): Advice[] {
  const groups = result.duplicates.filter(({ isConflict, isLeak }) => !isConflict && !isLeak);
  if (groups.length === 0) return [];
  const surplus = groups.reduce((sum, { pictures }) => sum + pictures.length - 1, 0);
  return [
    {
      kind: "copies",
      found: `${count(surplus, "picture is a copy", "pictures are copies")} of another one of their class`,
      todo: "one of each is enough",
      cases: groups.map((group) => caseOf(result, group)),
    },
  ];
}

const ODD_NAMES: Readonly<Record<OddityKind, string>> = {
  blank: "of one colour",
  tiny: "tiny",
  strip: "very long",
  grey: "without colour",
  large: "very large",
};

function odd(result: AuditResult): Advice[] {
  const { oddities } = result;
  if (oddities.length === 0) return [];
  const kinds = ODDITIES.flatMap((kind) => {
    const many = oddities.filter((one) => one.kind === kind).length;
    return many === 0 ? [] : [`${many} ${ODD_NAMES[kind]}`];
  });
  return [
    {
      kind: "odd",
      found: `${count(new Set(oddities.map(({ picture }) => picture)).size, "picture is", "pictures are")} odd: ${kinds.join(", ")}`,
      todo: "delete what is no picture of its class",
      cases: oddities.map(({ picture, reason }) => ({ path: referenceOf(result, picture).path, detail: reason })),
    },
  ];
}

function outliers(result: AuditResult): Advice[] {
  if (result.outliers.length === 0) return [];
  return [
    {
      kind: "outliers",
      found: `${count(result.outliers.length, "picture is", "pictures are")} unlike the others`,
      todo: "check that they belong here",
      cases: result.outliers.map(({ picture, from }) => {
        const { path, label } = referenceOf(result, picture);
        return { path, detail: from === "all" ? "unlike all other pictures" : `unlike the other pictures of ${label}` };
      }),
    },
  ];
}
