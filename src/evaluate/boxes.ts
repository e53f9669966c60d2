// Where the objects are in a data set's pictures: a JSON object from picture names to boxes, {"dog/000.jpg": [x1, y1, x2, y2], ...}, in pixels of
// the picture, the corners included. It lies beside its split as SPLIT-boxes.json.
import { type DataFileEntry, type DataFiles, folderOf } from "../data/files.ts";
import { type SplitName, splitFromWord } from "../data/samples.ts";
import { FormatError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import { decodeText } from "../text-file.ts";

/** In pixels, corners included: [0, 0, 0, 0] is the top left pixel. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** Boxes by picture. */
export interface Boxes {
  /** The file they were read from. */
  readonly path: string;
  readonly count: number;
  /** The box of a picture, whose name may have more folders in front than the boxes' file writes. */
  find(pictureName: string): Box | undefined;
}

const MAX_BOXES_BYTES = 256 * 2 ** 20;
const ENDING = "-boxes.json";

/**
 * Reads a file of boxes.
 *
 * @throws NotFoundError, or FormatError that names the picture whose box is none
 */
export async function readBoxes(files: Pick<DataFiles, "read">, path: string): Promise<Boxes> {
  const text = decodeText(await files.read(path, { maxBytes: MAX_BOXES_BYTES }), path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError("boxes", `${path} is not valid JSON (${(cause as Error).message})`, { cause });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new FormatError("boxes", `${path} is not an object from picture names to boxes`, {
      hint: 'it must read {"dog/000.jpg": [x1, y1, x2, y2], …}',
    });
  const byName = new Map(Object.entries(json).map(([name, value]) => [normal(name), readBox(value, name)]));
  return {
    path,
    count: byName.size,
    find(pictureName) {
      const parts = normal(pictureName).split("/");
      for (let start = 0; start < parts.length; start++) {
        const box = byName.get(parts.slice(start).join("/"));
        if (box !== undefined) return box;
      }
      return undefined;
    },
  };
}

const normal = (name: string): string => name.replaceAll("\\", "/").replace(/^(\.\/)+/, "");

function readBox(value: unknown, name: string): Box {
  const isBox =
    Array.isArray(value) &&
    value.length === 4 &&
    value.every((side) => typeof side === "number" && Number.isFinite(side)) &&
    value[2] >= value[0] &&
    value[3] >= value[1];
  if (!isBox)
    throw new FormatError(
      "boxes",
      `"${name}" has ${JSON.stringify(value)}, not [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2`,
    );
  return value as unknown as Box;
}

/**
 * The boxes' file that belongs to a split: `val-boxes.json` within the data's folder, or beside it when the data is the split's own folder.
 *
 * @returns its path; undefined when there is none
 */
export async function findBoxesFile(files: DataFiles, dataPath: string, split: SplitName): Promise<string | undefined> {
  const root = await files.stat(dataPath);
  if (root === undefined) return undefined;
  const trimmed = dataPath.replace(/[/\\]+$/, "") || dataPath;
  const beside = `${trimmed}${ENDING}`;
  const isThere = (entry: DataFileEntry | undefined) => entry !== undefined && !entry.isDirectory;
  if (isThere(await files.stat(beside))) return beside;
  const folder = root.isDirectory ? dataPath : folderOf(dataPath) || ".";
  const fits = (path: string) => {
    const name = baseName(path);
    return name.endsWith(ENDING) && splitFromWord(name.slice(0, -ENDING.length)) === split;
  };
  return (await files.list(folder)).find((entry) => !entry.isDirectory && fits(entry.path))?.path;
}
