// Where drawings of what a model looked at go, and in which format.
import { UsageError } from "../errors.ts";
import type { SheetFormat } from "../evaluate/sheet-file.ts";
import { isPictureName } from "../image/picture-files.ts";
import { nodeHost } from "../platform/node/host.ts";
import type { NamedPicture } from "./picture-paths.ts";

const KINDS = /\.(png|svg|html?)$/i;

export interface Drawings {
  readonly paths: ReadonlyMap<NamedPicture, string>;
  /** What is to be made for them. */
  readonly folder?: string;
}

/** Where the drawing of each picture goes: the file itself for one picture, files in the folder for several. */
export async function drawingPaths(out: string, pictures: readonly NamedPicture[]): Promise<Drawings> {
  const isFile = KINDS.test(out);
  if (pictures.length === 1 && isFile) return { paths: new Map([[pictures[0]!, out]]) };
  if (isFile)
    throw new UsageError(
      `--explain ${out}: ${pictures.length} pictures need a folder, not one file`,
      "give a path that does not end in .png, .svg or .html",
    );
  if (isPictureName(out) && !(await nodeHost.files.stat(out))?.isDirectory)
    throw new UsageError(
      `--explain ${out}: drawings are .png, .svg or .html`,
      `such as ${out.replace(/[^.]*$/, "png")}`,
    );
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  const fileFor = ({ name }: NamedPicture): string => {
    const base = name.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "") || "picture";
    for (;;) {
      // Disks of macOS and Windows do not tell capitals apart.
      const count = (counts.get(base.toLowerCase()) ?? 0) + 1;
      counts.set(base.toLowerCase(), count);
      const file = `${base}${count === 1 ? "" : `-${count}`}.png`;
      if (taken.has(file.toLowerCase())) continue;
      taken.add(file.toLowerCase());
      return file;
    }
  };
  const paths = new Map(pictures.map((picture) => [picture, nodeHost.files.join(out, fileFor(picture))]));
  return { paths, folder: out };
}

/** The kind of drawing that a path asks for by its ending. */
export function formatOf(path: string): SheetFormat {
  const ending = KINDS.exec(path)?.[1]?.toLowerCase();
  return ending === "png" || ending === "svg" ? ending : "html";
}
