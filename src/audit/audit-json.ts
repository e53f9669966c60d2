// An audit as JSON, and its suggestions as a table that a person can edit: fractions from 0 to 1, names with underscores as in all files.
import type { DuplicateGroup } from "./duplicates.ts";
import { type AuditResult, referenceOf } from "./result.ts";

/** What `saccade audit --json` prints. */
export function auditToJson(result: AuditResult) {
  const { labels, set, balance, next, space, classNames } = result;
  const reference = (place: number) => referenceOf(result, place);
  return {
    data: result.data,
    layout: result.layout,
    model: result.model.name,
    space,
    seed: result.seed,
    pictures: set.pictures.length,
    classes: classNames,
    notes: result.notes,
    label_errors:
      labels === undefined
        ? null
        : {
            estimated: labels.estimated,
            agreement: labels.agreement,
            unchecked: labels.unchecked.map((label) => classNames[label]),
            suggestions: suggestionsOf(result),
          },
    duplicates: result.duplicates.map(({ pictures, kind, isConflict, isLeak }: DuplicateGroup) => ({
      kind,
      conflict: isConflict,
      leak: isLeak,
      pictures: pictures.map(reference),
    })),
    outliers: result.outliers.map(({ picture, from, deviation }) => ({ ...reference(picture), from, deviation })),
    odd: result.oddities.map(({ picture, kind, reason }) => ({ ...reference(picture), kind, reason })),
    unreadable: set.unreadable.map(({ name, split, reason }) => ({ path: name, split, reason })),
    problems: result.problems.map(({ name, reason }) => ({ path: name, reason })),
    balance: {
      classes: balance.classes.map(({ label, pictures, total }) => ({ label, ...pictures, total })),
      ratio: balance.ratio,
      few: balance.few,
      missing: balance.missing,
    },
    next:
      next === undefined
        ? null
        : {
            unlabelled: next.unlabelled,
            pictures: next.pictures,
            chosen: next.chosen.map(({ name, uncertainty, likeliest }) => ({
              path: name,
              uncertainty,
              likeliest: likeliest.map((label) => classNames[label]),
            })),
            unreadable: next.unreadable.map(({ name, reason }) => ({ path: name, reason })),
          },
  };
}

interface Suggestion {
  readonly path: string;
  readonly split: string;
  readonly label: string;
  readonly suggested: string;
  readonly confidence: number;
  readonly given_confidence: number;
}

/** Every label that is doubted, the most doubtful first. */
function suggestionsOf(result: AuditResult): Suggestion[] {
  const { labels, classNames } = result;
  return (labels?.doubts ?? []).map(({ picture, suggested, confidence, givenConfidence }) => ({
    ...referenceOf(result, picture),
    suggested: classNames[suggested]!,
    confidence: rounded(confidence),
    given_confidence: rounded(givenConfidence),
  }));
}

const rounded = (share: number): number => Number(share.toFixed(4));

const COLUMNS = ["path", "split", "label", "suggested", "confidence", "given_confidence"] as const;

/** The suggestions as comma-separated values (RFC 4180), with a heading. */
export function suggestionsToCsv(result: AuditResult): string {
  const rows = suggestionsOf(result).map((suggestion) => COLUMNS.map((column) => quoted(String(suggestion[column]))));
  return [COLUMNS, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

/** In quotes where it must be. */
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
