// The tables of docs/glance-and-focus.md, made from the checked-in results and from nothing else. A test compares them.
//
//   npx tsx bench/exit-tables.ts
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { TimedSubject } from "./exit-times.ts";

const ROOT = resolve(import.meta.dirname, "..");
const DOCUMENT = "docs/glance-and-focus.md";
const END = "<!-- end -->";
const beginOf = (name: string) => `<!-- ${name}: made by bench/exit-tables.ts from bench/results, do not edit -->`;

interface ByChoice {
  readonly policy: readonly number[];
  readonly random: readonly number[];
  readonly centre: readonly number[];
}

/** What the tables read of bench/results/glance-and-focus.json and large-scenes.json. */
export interface ScenesReport extends TimedReport {
  readonly accuracy_by_look: { readonly after_stage_2: ByChoice; readonly after_stage_3: ByChoice };
}

/** What they read of bench/results/early-exit.json, and of the other too. */
export interface TimedReport {
  readonly pictures: number;
  readonly threads?: number;
  readonly machine?: { readonly processor: string };
  readonly steps: readonly { readonly name?: string; readonly macs: number; readonly top1: number }[];
  readonly rows?: readonly TimedSubject[];
}

const TABLES: Readonly<Record<string, (results: Results) => string[]>> = {
  looks: ({ scenes }) => ifMeasured(scenes, looksTable),
  "scenes-times": ({ scenes }) => ifMeasured(scenes, timesTable),
  "large-looks": ({ largeScenes }) => ifMeasured(largeScenes, looksTable),
  "large-times": ({ largeScenes }) => ifMeasured(largeScenes, timesTable),
  "everyday-times": ({ everyday }) => ifMeasured(everyday, timesTable),
};

function ifMeasured<R>(report: R | undefined, table: (report: R) => string[]): string[] {
  return report === undefined ? [] : table(report);
}

export interface Results {
  readonly scenes: ScenesReport | undefined;
  readonly largeScenes: ScenesReport | undefined;
  readonly everyday: TimedReport | undefined;
}

/** The checked-in results; undefined where nothing was measured yet. */
export function readExitResults(root = ROOT): Results {
  const read = (name: string) => {
    const path = join(root, "bench/results", name);
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
  };
  return {
    scenes: read("glance-and-focus.json"),
    largeScenes: read("large-scenes.json"),
    everyday: read("early-exit.json"),
  };
}

/** The document with what is between markers made anew. Throws when a marker is missing. */
export function updateDocument(text: string, results: Results): string {
  return Object.entries(TABLES).reduce((document, [name, make]) => {
    const begin = document.indexOf(beginOf(name));
    const end = document.indexOf(END, begin);
    if (begin < 0 || end < 0) throw new Error(`${DOCUMENT} has no place for the table ${name}`);
    const lines = make(results);
    return `${document.slice(0, begin)}${[beginOf(name), "", ...lines, ...(lines.length === 0 ? [] : [""])].join("\n")}${document.slice(end)}`;
  }, text);
}

const percent = (share: number) => (100 * share).toFixed(1);

/** A row a way of choosing patches, a column a look. */
function looksTable({ accuracy_by_look: { after_stage_2: before, after_stage_3: after }, pictures }: ScenesReport) {
  const rows: [string, readonly number[]][] = [
    ["patches anywhere", before.random],
    ["patches in the middle", before.centre],
    ["the policy, before fine-tuning (stage 2)", before.policy],
    ["the policy, fine-tuned (stage 3)", after.policy],
    ["the fine-tuned encoders, patches anywhere", after.random],
    ["the fine-tuned encoders, patches in the middle", after.centre],
  ];
  const header = ["top-1, % after looks", ...before.policy.map((_, i) => (i === 0 ? "1 (the glance)" : String(i + 1)))];
  const body = rows.map(([name, accuracies]) => [name, ...accuracies.map(percent)]);
  return [...markdown(header, body), "", `${pictures} validation scenes.`];
}

/** A row a way of answering: how often right, what it costs by count, and how long it takes. */
function timesTable({ rows, machine, threads, pictures }: TimedReport): string[] {
  if (rows === undefined || rows.length === 0) return [];
  const batches = Object.keys(rows[0]!.ms).map(Number);
  const header = ["", "top-1, %", "MMACs", ...batches.flatMap((batch) => [`ms, batch ${batch}`, "possible"])];
  const body = rows.map(({ name, top1, macs, ms, possible }) => [
    name,
    percent(top1),
    (macs / 1e6).toFixed(1),
    ...batches.flatMap((batch) => [ms[batch]!.toFixed(2), possible?.[batch]?.toFixed(2) ?? ""]),
  ]);
  const note = `${machine?.processor}, ${threads} threads; accuracies on ${pictures} pictures, milliseconds a picture with preparing, medians of interleaved rounds. Possible: what the same shares of pictures would take if each took as long as where all stop after as many steps.`;
  return [...markdown(header, body), "", note];
}

/** The first column is words, the others are numbers. */
function markdown(header: readonly string[], body: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? "---" : "---:"))), ...body.map(line)];
}

/** Writes the document's tables. */
export function writeExitTables(root = ROOT): void {
  const path = join(root, DOCUMENT);
  writeFileSync(path, updateDocument(readFileSync(path, "utf8"), readExitResults(root)));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeExitTables();
