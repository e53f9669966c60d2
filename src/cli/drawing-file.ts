// Drawings of where a model looked, as files: PNG for programs that show pictures, SVG and HTML where labels must stay text.
import { UsageError } from "../errors.ts";
import { sheetHtml, sheetSvg, sheetTextSvg } from "../evaluate/sheet-page.ts";
import { layOutSheet, paintPictures, paintSheet, type Sheet } from "../image/sheet.ts";
import { layTextOver } from "../platform/node/draw-text.ts";
import { nodeHost } from "../platform/node/host.ts";
import type { NamedPicture } from "./picture-paths.ts";

const KINDS = /\.(png|svg|html?)$/i;

export interface Drawings {
  readonly paths: ReadonlyMap<NamedPicture, string>;
  /** What is to be made for them. */
  readonly folder?: string;
}

/** Where the drawing of each picture goes: the file itself for one picture, files in the folder for several. */
export function drawingPaths(out: string, pictures: readonly NamedPicture[]): Drawings {
  const isFile = KINDS.test(out);
  if (pictures.length === 1 && isFile) return { paths: new Map([[pictures[0]!, out]]) };
  if (isFile)
    throw new UsageError(
      `--explain ${out}: ${pictures.length} pictures need a folder, not one file`,
      "give a path that does not end in .png, .svg or .html",
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

/** The bytes of a drawing in the kind that its path ends in. */
export async function encodeDrawing(sheet: Sheet, path: string): Promise<Uint8Array | string> {
  const kind = KINDS.exec(path)?.[1]?.toLowerCase();
  if (kind === "svg") return sheetSvg(sheet, nodeHost.encodePng);
  if (kind !== "png") return sheetHtml(sheet, nodeHost.encodePng);
  const pictures = paintPictures(layOutSheet(sheet));
  return nodeHost.encodePng((await layTextOver(pictures, sheetTextSvg(sheet))) ?? paintSheet(sheet));
}
