// Rows of a list, whatever its syntax: CSV (tabs and semicolons too) whose first line names the columns, or one JSON object a line.
import { FormatError } from "../errors.ts";
import { baseName, extensionOf } from "../image/picture-files.ts";
import { decodeText } from "../text-file.ts";
import { parseCsv } from "./csv.ts";
import { type DataProblem, list } from "./dataset.ts";
import { type DataFiles, folderOf } from "./files.ts";

/** Longer texts do not fit a JavaScript string. */
export const MAX_LIST_BYTES = 2 ** 29;

export const isListName = (path: string): boolean => ["csv", "tsv", "jsonl", "ndjson"].includes(extensionOf(path));

/** Makes a path in a list one that can be opened: it is that of a file beside the list, unless it begins at a root. */
export function besideList(files: Pick<DataFiles, "join">, list: string): (path: string) => string {
  const folder = folderOf(list);
  const isRooted = (path: string) => /^([/\\]|[a-z]:[/\\])/i.test(path);
  return (path) => (isRooted(path) || folder === "" ? path : files.join(folder, path));
}

/** A list of which nothing can be used. @param what "pair" @param problems say why */
export function noneUsable(what: string, name: string, problems: readonly DataProblem[]): FormatError {
  const reasons = problems.map((problem) => `${problem.name}: ${problem.reason}`);
  const why = reasons.length === 0 ? "" : ` (${list(reasons, 3)})`;
  return new FormatError(`list of ${what}s`, `${name} has no ${what} that can be used${why}`);
}

/** One row: what it says under each key, undefined where it says nothing. */
export interface ListRow<K extends string> {
  /** From 1. */
  readonly line: number;
  readonly values: Readonly<Record<K, unknown>>;
}

export interface ListColumns<K extends string> {
  /** Names that a key's column may have. */
  readonly names: Readonly<Record<K, readonly string[]>>;
  /** Keys without whose columns a table is refused, in the order in which they are missed. */
  readonly required: readonly K[];
}

/**
 * The rows of a list. Lines that are no row go to `problems`.
 *
 * @param path only its name is looked at
 * @throws FormatError for text that is not UTF-8, an empty table, or columns that are not there
 */
export function readListRows<K extends string>(
  bytes: Uint8Array,
  path: string,
  columns: ListColumns<K>,
  problems: DataProblem[],
): ListRow<K>[] {
  const name = baseName(path);
  const text = decodeText(bytes, name);
  const isJson = extensionOf(path) === "jsonl" || extensionOf(path) === "ndjson";
  return isJson ? jsonRows(text, name, columns, problems) : csvRows(text, name, columns, problems);
}

function csvRows<K extends string>(
  text: string,
  name: string,
  { names, required }: ListColumns<K>,
  problems: DataProblem[],
): ListRow<K>[] {
  const usual = `the first line names the columns: ${required.map((key) => names[key][0]).join(",")}`;
  const [header, ...rows] = parseCsv(text, name);
  if (header === undefined) throw new FormatError("CSV", `${name} is empty`, { hint: usual });
  const columns = header.fields.map((field) => field.trim().toLowerCase());
  const places = mapValues(names, (wanted) => {
    const known = wanted.map((column) => column.trim().toLowerCase());
    return columns.findIndex((column) => known.includes(column));
  });
  const missing = required.find((key) => places[key] === -1);
  if (missing !== undefined)
    throw new FormatError("CSV", `${name} has the columns ${list(header.fields)}, and no ${missing}`, {
      hint: usual,
      data: { columns },
    });
  const wanted = Object.entries<number>(places) as [K, number][];
  const found: ListRow<K>[] = [];
  for (const { line, fields } of rows) {
    if (fields.length === columns.length) {
      const values = {} as Record<K, unknown>;
      for (const [key, place] of wanted) values[key] = place === -1 ? undefined : fields[place];
      found.push({ line, values });
    } else
      problems.push({ name: `${name}:${line}`, reason: `it has ${fields.length} fields instead of ${columns.length}` });
  }
  return found;
}

function jsonRows<K extends string>(
  text: string,
  name: string,
  { names }: ListColumns<K>,
  problems: DataProblem[],
): ListRow<K>[] {
  // Lists have millions of lines: what is the same for all is made once.
  const wanted = Object.entries<readonly string[]>(names) as [K, readonly string[]][];
  const rows: ListRow<K>[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const value = parseJson(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const values = {} as Record<K, unknown>;
      for (const [key, columns] of wanted) values[key] = firstOf(value, columns);
      rows.push({ line: index + 1, values });
    } else problems.push({ name: `${name}:${index + 1}`, reason: "it is not a JSON object" });
  }
  return rows;
}

function firstOf(value: object, keys: readonly string[]): unknown {
  for (const key of keys) if (Object.hasOwn(value, key)) return (value as Record<string, unknown>)[key];
  return undefined;
}

function mapValues<K extends string, A, B>(of: Readonly<Record<K, A>>, map: (value: A) => B): Record<K, B> {
  return Object.fromEntries(Object.entries<A>(of).map(([key, value]) => [key, map(value)])) as Record<K, B>;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
