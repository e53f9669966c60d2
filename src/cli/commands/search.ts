// saccade search: the pictures of an index that are most like others.
import { relative } from "node:path";
import type { Command } from "commander";
import { SaccadeError } from "../../errors.ts";
import { encodeSheet } from "../../evaluate/sheet-file.ts";
import { type Captioned, contactSheet } from "../../image/contact-sheet.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { type Match, PictureIndex } from "../../retrieval/picture-index.ts";
import { readPicture } from "../../tasks/engine/pictures.ts";
import { drawingPaths, formatOf } from "../drawing-file.ts";
import {
  addDeviceOptions,
  addModelOptions,
  type DeviceOptions,
  integer,
  loadOptions,
  type ModelOptions,
  NO_CACHE_HELP,
  sessionOptions,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { PictureFailures } from "../picture-failures.ts";
import { FROM_FILE_HELP } from "../picture-list.ts";
import { expandPictures, type NamedPicture, type PathProblem } from "../picture-paths.ts";
import { printable, type Terminal } from "../terminal.ts";

interface SearchFlags extends ModelOptions, DeviceOptions {
  topK: number;
  fromFile?: string;
  text: string[];
  textModel?: string;
  explain?: string;
  pca?: number;
  cache: boolean;
  json?: boolean;
}

const EXAMPLES = `
The number before a path is the cosine between the two pictures' vectors, 1 for
the same direction. Every picture of the index is compared, none is skipped.

Examples:
  $ saccade search photos-index cat.jpg
  $ saccade search photos-index cat.jpg dog.jpg --top-k 5 --json
  $ saccade search photos-index cat.jpg --explain found.html
  $ saccade search clip-index --text "a dog on a beach"
`;

export function addSearch(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("search")
    .description("find the pictures of an index that are most like others")
    .argument("<index>", "a folder that saccade index made")
    .argument("[path...]", "pictures to search with, folders, globs, or - for standard input")
    .option("--text <words>", "search with words, for indexes of CLIP models; may be repeated", repeated, [])
    .option("--text-model <model>", "the text model that belongs to the index's (default: the one its model names)")
    .option("-k, --top-k <n>", "how many pictures to find", integer(1), 10)
    .option("--from-file <list>", FROM_FILE_HELP)
    .option("--explain <out>", "show what was found, as .png, .svg or .html; with several pictures, a folder")
    .option(
      "--pca <n>",
      "compare n principal components of the index's vectors, whitened, and roots of them (the off-the-shelf recipe)",
      integer(1),
    )
    .option("--no-cache", NO_CACHE_HELP)
    .option("--json", "one JSON object a line and picture")
    .option("-m, --model <model>", "where the index's model is, if it has moved")
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(addModelOptions(command)).action((index: string, paths: string[], flags: SearchFlags) =>
    search(index, paths, flags, terminal, finish),
  );
}

async function search(
  folder: string,
  paths: string[],
  flags: SearchFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const { queries, problems } = await queriesOf(paths, flags, terminal);
  const drawings = flags.explain === undefined ? undefined : await drawingPaths(flags.explain, queries);
  await refuseReplacing([...(drawings?.paths.values() ?? [])], {
    models: [flags.model, flags.textModel],
    paths: [folder, ...queries.flatMap(({ name, isText }) => (isText ? [] : [name])), flags.fromFile],
  });
  await using index = await PictureIndex.open(nodeHost, folder, {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    cache: flags.cache,
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.textModel === undefined ? {} : { textModel: flags.textModel }),
    ...(flags.pca === undefined ? {} : { components: flags.pca }),
  });
  const failures = new PictureFailures(terminal, flags.json);
  for (const { name, error } of problems) failures.add(name, error);
  if (drawings?.folder !== undefined) await nodeHost.files.makeDirectory(drawings.folder);
  const options = { topK: flags.topK, signal: terminal.signal };
  for (const query of queries) {
    const { name, source, isText } = query;
    const finding = isText ? index.searchText(name, options) : index.search(source, options);
    const found = await finding.catch((error: unknown) => {
      // What is wrong with the index is wrong for all of them.
      if (!(error instanceof SaccadeError) || isText || !isOfPicture(error)) throw error;
      failures.add(name, error);
      return undefined;
    });
    if (found === undefined) continue;
    terminal.out(flags.json ? jsonLine(query, found) : textLines(query, found, queries.length === 1, terminal.columns));
    const out = drawings?.paths.get(query);
    if (out !== undefined) await draw(query, found, out, terminal);
  }
  if (!failures.finish(queries.length + problems.length)) finish(1);
}

interface Query extends NamedPicture {
  /** Whether the name is what is searched for. */
  readonly isText: boolean;
}

async function queriesOf(
  paths: readonly string[],
  { text, fromFile }: SearchFlags,
  terminal: Terminal,
): Promise<{ queries: readonly Query[]; problems: readonly PathProblem[] }> {
  const texts = text.map((words) => ({ name: words, source: "", isText: true }));
  if (texts.length > 0 && paths.length === 0 && fromFile === undefined) return { queries: texts, problems: [] };
  const { pictures, problems } = await expandPictures(nodeHost, { paths, fromFile }, terminal);
  return { queries: [...pictures.map((picture) => ({ ...picture, isText: false })), ...texts], problems };
}

function repeated(words: string, before: readonly string[]): string[] {
  return [...before, words];
}

const isOfPicture = ({ code }: SaccadeError): boolean =>
  code.startsWith("image") || ["not_an_image", "not_found", "limit", "not_a_file", "file"].includes(code);

function jsonLine({ name, isText }: Query, matches: readonly Match[]): string {
  const found = matches.map(({ path, score, size, hash }) => ({ path, score, size, hash }));
  return `${JSON.stringify({ [isText ? "text" : "path"]: name, matches: found })}\n`;
}

/** Paths as they are typed here; those that are too long for a line lose their beginning. */
function textLines({ name }: NamedPicture, matches: readonly Match[], isOnlyOne: boolean, columns: number): string {
  const digits = String(matches.length).length;
  const lines = matches.map(({ path, score }, i) => {
    const start = `${String(i + 1).padStart(digits + 1)}  ${score.toFixed(4).padStart(7)}  `;
    return `${start}${shortened(printable(typedPath(path)), columns - start.length)}`;
  });
  const head = isOnlyOne ? [] : [shortened(printable(name), columns)];
  return `${[...head, ...lines].join("\n")}\n`;
}

function shortened(text: string, columns: number): string {
  const letters = [...text];
  return letters.length <= columns ? text : `…${letters.slice(letters.length - Math.max(1, columns - 1)).join("")}`;
}

function typedPath(path: string): string {
  const typed = relative(process.cwd(), path);
  return typed === "" || typed.startsWith("..") || typed.length > path.length ? path : typed;
}

async function draw(query: Query, matches: readonly Match[], out: string, terminal: Terminal): Promise<void> {
  const panels: Captioned[] = query.isText
    ? []
    : [{ title: shortName(query.name), detail: "searched for", picture: await readPicture(nodeHost, query.source) }];
  for (const [i, { path, score }] of matches.entries()) {
    const picture = await pictureAt(path);
    const detail = `${i + 1}: ${score.toFixed(4)}${picture === undefined ? ", the picture is not there any more" : ""}`;
    panels.push({ title: shortName(path), detail, picture });
  }
  const sheet = contactSheet(panels, { headline: [query.isText ? query.name : `most like ${query.name}`] });
  await nodeHost.files.writeAtomic(out, await encodeSheet(sheet, formatOf(out), nodeHost));
  terminal.note(`${out}: ${query.name} and the ${matches.length} pictures most like it`);
}

/** A picture's name with that of its folder: what fits over a panel. */
const shortName = (path: string): string => path.split(/[/\\]/).slice(-2).join("/");

/** undefined for a picture that has gone, or that cannot be read any more. */
async function pictureAt(path: string): Promise<RawImage | undefined> {
  try {
    return await readPicture(nodeHost, path, { decode: "fast" });
  } catch (error) {
    if (error instanceof SaccadeError) return undefined;
    throw error;
  }
}
