// Where the five points of faces are, as a list beside the pictures says it: the columns path, x1, y1, …, x5, y5, or JSON lines with "points".
import { type FacePoints, requireFacePoints } from "../image/align-face.ts";
import { baseName } from "../image/picture-files.ts";
import type { DataProblem } from "./dataset.ts";
import type { DataFiles } from "./files.ts";
import { besideList, type ListColumns, type ListRow, MAX_LIST_BYTES, noneUsable, readListRows } from "./list-rows.ts";

const AXES = ["x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "x5", "y5"] as const;

type Key = "path" | "points" | (typeof AXES)[number];

const COLUMNS: ListColumns<Key> = {
  names: {
    path: ["path", "file", "file_name", "filename", "image", "image_path"],
    points: ["points", "landmarks"],
    ...(Object.fromEntries(AXES.map((axis) => [axis, [axis]])) as Record<(typeof AXES)[number], string[]>),
  },
  required: ["path", ...AXES],
};

export interface FacePointsList {
  /** By the picture's path. */
  readonly points: ReadonlyMap<string, FacePoints>;
  readonly problems: readonly DataProblem[];
}

/**
 * Reads where faces are. Paths in the list are relative to it.
 *
 * @throws NotFoundError, LimitError; FormatError for columns that are not there, or a list of which nothing can be used
 */
export async function readFacePoints(files: DataFiles, path: string): Promise<FacePointsList> {
  const name = baseName(path);
  const resolve = besideList(files, path);
  const problems: DataProblem[] = [];
  const points = new Map<string, FacePoints>();
  const bytes = await files.read(path, { maxBytes: MAX_LIST_BYTES });
  for (const { line, values } of readListRows(bytes, path, COLUMNS, problems)) {
    const picture = values.path;
    if (typeof picture !== "string" || picture === "") {
      problems.push({ name: `${name}:${line}`, reason: "it has no path" });
      continue;
    }
    const found = pointsOf(values);
    if (typeof found === "string") problems.push({ name: `${name}:${line}`, reason: found });
    else points.set(resolve(picture), found);
  }
  if (points.size > 0) return { points, problems };
  throw noneUsable("face", name, problems);
}

/** A row's points, or what is wrong with them. */
function pointsOf(values: ListRow<Key>["values"]): FacePoints | string {
  const flat = values.points === undefined ? AXES.map((axis) => values[axis]) : [values.points].flat(2);
  const numbers = flat.map((value) =>
    typeof value === "number" ? value : typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN,
  );
  try {
    return requireFacePoints(
      Array.from({ length: Math.ceil(numbers.length / 2) }, (_, i) => [numbers[2 * i]!, numbers[2 * i + 1]!]),
    );
  } catch (error) {
    return (error as Error).message;
  }
}
