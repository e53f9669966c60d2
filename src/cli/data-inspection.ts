// What saccade inspect says of a data set: its splits, what is annotated, and what is wrong.
import type { FaultCount } from "../data/annotated/faults.ts";
import { type DataProblem, list } from "../data/dataset.ts";
import { openDataset } from "../data/open.ts";
import { SPLITS } from "../data/samples.ts";
import { checkPictures, type SplitSurvey, surveySplit } from "../data/survey.ts";
import { baseName, extensionOf } from "../image/picture-files.ts";
import { nodeDataFiles } from "../platform/node/data-files.ts";
import { decodeWithSharp } from "../platform/node/decode.ts";
import { type Fact, listFacts } from "./facts.ts";
import { Progress } from "./progress.ts";
import { printable, type Terminal, table } from "./terminal.ts";

export interface DataInspection {
  readonly path: string;
  readonly layout: string;
  readonly notes: readonly string[];
  readonly faults: readonly FaultCount[];
  readonly splits: readonly (SplitSurvey & { readonly split: string })[];
  /** What opening every picture found, where it was asked for. */
  readonly checked?: readonly DataProblem[];
}

const DATA_FILES: ReadonlySet<string> = new Set([
  "json",
  "yaml",
  "yml",
  "csv",
  "tsv",
  "jsonl",
  "ndjson",
  "parquet",
  "tar",
]);
const MODEL_FILES: ReadonlySet<string> = new Set(["safetensors", "onnx", "pth", "pt", "bin"]);

/** Whether a path leads to data rather than to a model: a list or a file of annotations, or a folder without anything of a model's. */
export async function isData(path: string): Promise<boolean> {
  const entry = await nodeDataFiles.stat(path).catch(() => undefined);
  if (entry === undefined) return false;
  if (!entry.isDirectory) return DATA_FILES.has(extensionOf(path));
  const names = (await nodeDataFiles.list(path)).map((each) => baseName(each.path));
  return (
    names.length > 0 && !names.includes("config.json") && !names.some((name) => MODEL_FILES.has(extensionOf(name)))
  );
}

/** @throws what opening data throws */
export async function inspectData(path: string, check: boolean, terminal: Terminal): Promise<DataInspection> {
  // What is there is shown, and no part of it split off.
  const opened = await openDataset(nodeDataFiles, path, { validationFraction: 0 });
  const sets = SPLITS.flatMap((split) => {
    const dataset = opened[split];
    return dataset === undefined ? [] : [{ split, dataset }];
  });
  const checked: DataProblem[] = [];
  if (check) {
    const progress = new Progress(
      terminal,
      "pictures",
      sets.reduce((sum, { dataset }) => sum + dataset.length, 0),
    );
    try {
      for (const { dataset } of sets)
        checked.push(
          ...(await checkPictures(dataset, nodeDataFiles, decodeWithSharp, {
            onPicture: () => progress.advance(),
            signal: terminal.signal,
          })),
        );
    } finally {
      progress.finish();
    }
  }
  return {
    path,
    layout: opened.layout,
    notes: opened.notes,
    faults: opened.faults ?? [],
    splits: sets.map(({ split, dataset }) => ({ split, ...surveySplit(dataset) })),
    ...(check ? { checked } : {}),
  };
}

export function dataJson({ splits, checked, ...rest }: DataInspection): Record<string, unknown> {
  return {
    kind: "data",
    ...rest,
    splits: splits.map(({ things, ...split }) => ({
      ...split,
      ...(things === undefined
        ? {}
        : {
            things: {
              count: things.things,
              with_outline: things.withOutline,
              ignored: things.ignored,
              most: things.most,
              empty_pictures: things.emptyPictures,
              maps: things.maps,
              sides: things.sides,
            },
          }),
    })),
    ...(checked === undefined ? {} : { checked }),
  };
}

const MOST_CLASSES = 60;
const MOST_PROBLEMS = 8;

export function describeData(
  { path, layout, notes, faults, splits, checked }: DataInspection,
  columns: number,
): string {
  const facts: Fact[] = [
    ["layout", layout],
    ...splits.flatMap(({ split, pictures, things, problems }): Fact[] => [
      [split, `${pictures} pictures${things === undefined ? "" : `, ${describeThings(things)}`}`],
      ...(problems.length === 0 || faults.length > 0 ? [] : [["left out", describeProblems(problems)] as Fact]),
    ]),
    ...notes.map((note): Fact => ["note", note]),
    ...(checked === undefined
      ? []
      : [
          [
            "check",
            checked.length === 0 ? "every picture can be read, and fits what is said of it" : describeProblems(checked),
          ] as Fact,
        ]),
  ];
  return `${printable(path)}\n${listFacts(facts, columns)}\n${describeClasses(splits)}`;
}

function describeThings({
  things,
  withOutline,
  ignored,
  most,
  emptyPictures,
  maps,
  sides,
}: NonNullable<SplitSurvey["things"]>): string {
  const percent = (side: number) => `${Math.round(100 * side)} %`;
  const parts = [
    ...(things === 0 ? [] : [`${things} things (${withOutline} with outlines), at most ${most} on one`]),
    ...(sides === undefined
      ? []
      : [
          `boxes' sides ${percent(sides[0])} to ${percent(sides[2])} of the picture's, half of them below ${percent(sides[1])}`,
        ]),
    ...(ignored === 0 ? [] : [`${ignored} of them crowds or too hard`]),
    ...(maps === 0 ? [] : [`${maps} with a mask of classes`]),
    ...(emptyPictures === 0 ? [] : [`${emptyPictures} with nothing on them`]),
  ];
  return parts.join("; ");
}

const describeProblems = (problems: readonly DataProblem[]): string =>
  `${problems.length}: ${list(
    problems.map(({ name, reason }) => `${name} (${reason})`),
    MOST_PROBLEMS,
  )}`;

/** Pictures of each class by split; of annotated ones, things. */
function describeClasses(splits: DataInspection["splits"]): string {
  const [first] = splits;
  if (first === undefined) return "";
  const areThings = splits.some(({ things }) => (things?.things ?? 0) > 0);
  if (!areThings && splits.every(({ things }) => things !== undefined))
    return `classes: ${list(
      first.classes.map(({ label }) => printable(label)),
      MOST_CLASSES,
    )}\n`;
  const rows = first.classes
    .slice(0, MOST_CLASSES)
    .map(({ label }, i) => [
      printable(label),
      ...splits.map(({ classes }) => String(areThings ? classes[i]!.things : classes[i]!.pictures)),
    ]);
  const more = first.classes.length - rows.length;
  const header = [areThings ? "things of" : "pictures of", ...splits.map(({ split }) => split)];
  const right = splits.map((_, i) => i + 1);
  return `${table(header, rows, { right })}${more > 0 ? `… and ${more} more classes (--json lists all)\n` : ""}`;
}
