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
  sessionOptions,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { PictureFailures } from "../picture-failures.ts";
import { FROM_FILE_HELP } from "../picture-list.ts";
import { expandPictures, type NamedPicture } from "../picture-paths.ts";
import { printable, type Terminal } from "../terminal.ts";

interface SearchFlags extends ModelOptions, DeviceOptions {
  topK: number;
  fromFile?: string;
  explain?: string;
  pca?: number;
  json?: boolean;
}

const EXAMPLES = `
The number before a path is the cosine between the two pictures' vectors, 1 for
the same direction. Every picture of the index is compared, none is skipped.

Examples:
  $ saccade search photos-index cat.jpg
  $ saccade search photos-index cat.jpg dog.jpg --top-k 5 --json
  $ saccade search photos-index cat.jpg --explain found.html
`;

export function addSearch(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("search")
    .description("find the pictures of an index that are most like others")
    .argument("<index>", "a folder that saccade index made")
    .argument("[path...]", "pictures to search with, folders, globs, or - for standard input")
    .option("-k, --top-k <n>", "how many pictures to find", integer(1), 10)
    .option("--from-file <list>", FROM_FILE_HELP)
    .option("--explain <out>", "show what was found, as .png, .svg or .html; with several pictures, a folder")
    .option(
      "--pca <n>",
      "compare n principal components of the index's vectors, whitened, and roots of them (the off-the-shelf recipe)",
      integer(1),
    )
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
  const { pictures, problems } = await expandPictures(nodeHost, { paths, fromFile: flags.fromFile }, terminal);
  const drawings = flags.explain === undefined ? undefined : await drawingPaths(flags.explain, pictures);
  await refuseReplacing([...(drawings?.paths.values() ?? [])], {
    models: [flags.model],
    paths: [folder, ...pictures.map(({ name }) => name), flags.fromFile],
  });
  await using index = await PictureIndex.open(nodeHost, folder, {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.pca === undefined ? {} : { components: flags.pca }),
  });
  const failures = new PictureFailures(terminal, flags.json);
  for (const { name, error } of problems) failures.add(name, error);
  if (drawings?.folder !== undefined) await nodeHost.files.makeDirectory(drawings.folder);
  for (const picture of pictures) {
    const found = await matchesOf(index, picture, flags.topK, terminal).catch((error: unknown) => {
      // What is wrong with the index is wrong for all of them.
      if (!(error instanceof SaccadeError) || !isOfPicture(error)) throw error;
      failures.add(picture.name, error);
      return undefined;
    });
    if (found === undefined) continue;
    const isOnlyOne = pictures.length === 1;
    terminal.out(flags.json ? jsonLine(picture, found) : textLines(picture, found, isOnlyOne, terminal.columns));
    const out = drawings?.paths.get(picture);
    if (out !== undefined) await draw(picture, found, out, terminal);
  }
  if (!failures.finish(pictures.length + problems.length)) finish(1);
}

const matchesOf = (index: PictureIndex, { source }: NamedPicture, topK: number, { signal }: Terminal) =>
  index.search(source, { topK, signal });

const isOfPicture = ({ code }: SaccadeError): boolean =>
  code.startsWith("image") || ["not_an_image", "not_found", "limit", "not_a_file", "file"].includes(code);

function jsonLine({ name }: NamedPicture, matches: readonly Match[]): string {
  const found = matches.map(({ path, score, size, hash }) => ({ path, score, size, hash }));
  return `${JSON.stringify({ path: name, matches: found })}\n`;
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

async function draw(query: NamedPicture, matches: readonly Match[], out: string, terminal: Terminal): Promise<void> {
  const panels: Captioned[] = [
    { title: shortName(query.name), detail: "searched for", picture: await readPicture(nodeHost, query.source) },
  ];
  for (const [i, { path, score }] of matches.entries()) {
    const picture = await pictureAt(path);
    const detail = `${i + 1}: ${score.toFixed(4)}${picture === undefined ? ", the picture is not there any more" : ""}`;
    panels.push({ title: shortName(path), detail, picture });
  }
  await nodeHost.files.writeAtomic(out, await encodeSheet(contactSheet(panels), formatOf(out), nodeHost));
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
