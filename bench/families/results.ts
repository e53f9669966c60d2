// What the comparison of families keeps: a file a set, a row a family and seed, written whole after every row, so that a run that is stopped loses one row.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** How long each model learns. */
export type Budget =
  /** So much time of processors, all threads together. */
  | { readonly processorSeconds: number }
  /** Every picture so often. */
  | { readonly epochs: number };

export interface FamilyRow {
  readonly family: string;
  readonly seed: number;
  readonly parameters: number;
  /** Multiply-accumulates of one picture. */
  readonly macs: number;
  /** Of pictures that nothing was trained or chosen on. */
  readonly right: number;
  readonly pictures: number;
  /** Mean cross-entropy of these. */
  readonly loss: number;
  /** Updates, each of `batch` pictures. */
  readonly steps: number;
  readonly batch: number;
  /** How often each training picture was seen. */
  readonly epochs: number;
  /** That learning took, all threads together. */
  readonly processorSeconds: number;
}

export interface FamilyResults {
  readonly data: string;
  readonly splits: readonly string[];
  readonly classes: number;
  /** Pixels a side. */
  readonly size: number;
  readonly budget: Budget;
  readonly trainingPictures: number;
  readonly rows: readonly FamilyRow[];
}

/** What one picture costs a member. */
export interface FamilyTime {
  readonly family: string;
  /** Processor time of a run with one picture: the median of the rounds. */
  readonly milliseconds: number;
  /** A quarter of the rounds took less. */
  readonly q1: number;
  /** A quarter of the rounds took more. */
  readonly q3: number;
}

export interface FamilyTimes {
  readonly size: number;
  readonly threads: number;
  readonly batch: number;
  readonly rounds: number;
  readonly rows: readonly FamilyTime[];
}

/** The times at a size; undefined where nothing was measured yet. */
export function readTimes(path: string): FamilyTimes | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as FamilyTimes) : undefined;
}

export function readResults(path: string): FamilyResults | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as FamilyResults) : undefined;
}

/** Adds a row to the file, or makes the file. @throws Error for rows of another budget, which cannot stand in one table */
export function addRow(path: string, about: Omit<FamilyResults, "rows">, row: FamilyRow): void {
  const before = readResults(path);
  if (before !== undefined && JSON.stringify(before.budget) !== JSON.stringify(about.budget))
    throw new Error(`${path} has rows of another budget: say --out for a file of its own`);
  const text = JSON.stringify({ ...about, rows: [...(before?.rows ?? []), row] }, undefined, 1);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, `${text}\n`);
  renameSync(`${path}.part`, path);
}
