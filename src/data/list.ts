// Lists of pictures or videos: CSV with a header, or one JSON object a line. Paths are relative to the list. A column or key `split` makes splits;
// `start` and `end`, in seconds, make clips of longer videos.
import { FormatError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import { plainText } from "./annotated/json-values.ts";
import { type DataProblem, list } from "./dataset.ts";
import { type DataFiles, folderOf, type PictureSource } from "./files.ts";
import { besideList, type ListColumns, type ListRow, MAX_LIST_BYTES, readListRows } from "./list-rows.ts";
import {
  type DataKind,
  findLabelNames,
  nameLabels,
  type Parts,
  type Sample,
  type SamplePart,
  SPLITS,
  splitFromWord,
} from "./samples.ts";

export interface ListOptions {
  /** Which column or key has the path. Default: path, file, file_name, filename, image, image_path. */
  readonly pathColumn?: string;
  /** Which one has the label. Default: label, class, class_name, category, target. */
  readonly labelColumn?: string;
  /** What the paths are of. Default "pictures". */
  readonly kind?: DataKind;
  /** Rows are pictures alone: labels are not looked at, and need not be there. Default false. */
  readonly isUnlabelled?: boolean;
}

const PATH_COLUMNS = [
  "path",
  "file",
  "file_name",
  "filename",
  "image",
  "image_path",
  "filepath",
  "video",
  "video_path",
];
const LABEL_COLUMNS = ["label", "class", "class_name", "category", "target", "labels"];
const SPLIT_COLUMNS = ["split", "set", "subset"];
const START_COLUMNS = ["start", "start_seconds", "time_start"];
const END_COLUMNS = ["end", "end_seconds", "time_end"];

type Row = ListRow<"path" | "label" | "split" | "start" | "end">["values"];

function columnsOf({ pathColumn, labelColumn, isUnlabelled }: ListOptions): ListColumns<keyof Row> {
  return {
    names: {
      path: pathColumn === undefined ? PATH_COLUMNS : [pathColumn],
      label: labelColumn === undefined ? LABEL_COLUMNS : [labelColumn],
      split: SPLIT_COLUMNS,
      start: START_COLUMNS,
      end: END_COLUMNS,
    },
    required: isUnlabelled === true ? ["path"] : ["path", "label"],
  };
}

/**
 * Reads a list. Rows without a path or label are problems; with a split column the rows go to their splits, else all are "train".
 *
 * @throws FormatError when the columns are not there or nothing can be used
 */
export async function readList(files: DataFiles, path: string, options: ListOptions = {}): Promise<Parts> {
  const bytes = await files.read(path, { maxBytes: MAX_LIST_BYTES });
  const folder = folderOf(path);
  const parts = parseList(bytes, path, options, besideList(files, path));
  const names = await findLabelNames(files, folder);
  const turned = (await areWindowsPaths(files, parts)) ? turnSlashes : (part: SamplePart) => part;
  return Object.fromEntries(Object.entries(parts).map(([split, part]) => [split, nameLabels(turned(part), names)]));
}

const pathIn = ({ picture }: Sample): string =>
  typeof picture === "object" && (picture.kind === "file" || picture.kind === "video") ? picture.path : "";
const withSlashes = (path: string): string => path.replaceAll("\\", "/");

/** Whether a list was written on Windows and is read elsewhere: its first path with a backslash is only there with slashes instead. */
async function areWindowsPaths(files: DataFiles, parts: Parts): Promise<boolean> {
  for (const part of Object.values(parts)) {
    const sample = part.samples.find((each) => pathIn(each).includes("\\"));
    if (sample === undefined) continue;
    const path = pathIn(sample);
    return (await files.stat(path)) === undefined && (await files.stat(withSlashes(path))) !== undefined;
  }
  return false;
}

function turnSlashes(part: SamplePart): SamplePart {
  return {
    ...part,
    samples: part.samples.map((sample) => {
      const path = withSlashes(pathIn(sample));
      const { picture } = sample;
      const isVideo = typeof picture === "object" && picture.kind === "video";
      return { ...sample, name: path, picture: isVideo ? { ...picture, path } : { kind: "file", path } };
    }),
  };
}

/** The same from bytes. `resolve` makes a row's path one that can be opened. */
export function parseList(
  bytes: Uint8Array,
  path: string,
  options: ListOptions,
  resolve: (path: string) => string,
): Parts {
  const name = baseName(path);
  const problems: DataProblem[] = [];
  const rows = readListRows(bytes, path, columnsOf(options), problems);
  const samples: { [split: string]: Sample[] } = {};
  for (const { line, values: row } of rows) {
    const place = `${name}:${line}`;
    const reason = problemOf(row, options);
    const split = row.split === undefined || row.split === "" ? "train" : splitFromWord(plainText(row.split));
    if (reason !== undefined) problems.push({ name: place, reason });
    else if (split === undefined)
      problems.push({ name: place, reason: `its split "${plainText(row.split)}" is not train, validation or test` });
    else {
      const file = resolve(String(row.path));
      samples[split] ??= [];
      samples[split].push({
        name: file,
        ...(options.isUnlabelled === true ? { label: "" } : readLabel(row.label)),
        picture: sourceOf(file, row, options),
      });
    }
  }
  const found = SPLITS.filter((split) => samples[split] !== undefined);
  if (found.length === 0)
    throw new FormatError(
      "list",
      `${name} has no row that can be used${problems.length > 0 ? ` (${describe(problems)})` : ""}`,
    );
  return Object.fromEntries(
    found.map((split, i): [string, SamplePart] => [
      split,
      { samples: samples[split]!, problems: i === 0 ? problems : [] },
    ]),
  );
}

const describe = (problems: readonly DataProblem[]): string =>
  list(
    problems.map((problem) => `${problem.name}: ${problem.reason}`),
    3,
  );

/** What a row is of: a picture, or a video or a part of one. */
function sourceOf(path: string, row: Row, { kind }: ListOptions): PictureSource {
  if (kind !== "clips") return { kind: "file", path };
  const [start, end] = [secondsOf(row.start), secondsOf(row.end)];
  return {
    kind: "video",
    path,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
  };
}

/** undefined where nothing is said; not a number where it is no time. */
function secondsOf(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const seconds = typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN;
  return seconds >= 0 && Number.isFinite(seconds) ? seconds : Number.NaN;
}

function problemOf({ path, label, ...row }: Row, { isUnlabelled, kind }: ListOptions): string | undefined {
  if (typeof path !== "string" || path === "") return "it has no path";
  if (path.includes("\0")) return "its path has a NUL character";
  if (kind === "clips") {
    const [start = 0, end = Number.POSITIVE_INFINITY] = [secondsOf(row.start), secondsOf(row.end)];
    if (!(start < end))
      return `its part from "${plainText(row.start ?? "")}" to "${plainText(row.end ?? "")}" is none: both are seconds`;
  }
  if (isUnlabelled === true) return undefined;
  if (typeof label === "string") return label === "" ? "it has no label" : undefined;
  if (typeof label === "number")
    return Number.isSafeInteger(label) ? undefined : `its label ${label} is not a whole number`;
  if (typeof label !== "object" || label === null || Array.isArray(label)) return "it has no label";
  const weights = Object.values(label);
  const sum = weights.reduce(
    (total: number, weight) => total + (typeof weight === "number" && weight >= 0 ? weight : Number.NaN),
    0,
  );
  return sum > 0 && Number.isFinite(sum) ? undefined : "its label is an object, but not of probabilities by name";
}

/** A name, a number, or {"cat": 0.7, "dog": 0.3}. */
function readLabel(label: unknown): Pick<Sample, "label" | "soft"> {
  if (typeof label !== "object" || label === null) return { label: String(label) };
  const weights = Object.entries(label as Record<string, number>);
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  const [best] = weights.reduce((most, entry) => (entry[1] > most[1] ? entry : most));
  return { label: best, soft: new Map(weights.map(([name, weight]) => [name, weight / sum])) };
}
