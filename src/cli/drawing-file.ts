// Where drawings of what a model looked at go, and in which format: pictures and pages of pictures, videos and pages of videos.
import type { PartDrawing } from "../boxes/draw.ts";
import { UsageError } from "../errors.ts";
import { finishDrawing } from "../evaluate/dense/parts-file.ts";
import type { ExplanationFormat } from "../evaluate/explain-video.ts";
import type { SheetFormat } from "../evaluate/sheet-file.ts";
import { isPictureName } from "../image/picture-files.ts";
import { nodeHost } from "../platform/node/host.ts";
import { isVideoName } from "../video/video-files.ts";
import type { NamedPicture } from "./picture-paths.ts";

const KINDS = /\.(png|svg|html?)$/i;
const VIDEO_KINDS = /\.(mp4|webp|html?)$/i;

/** What is drawn on: what it is called, which endings its drawings have, and which one is taken in a folder. */
interface Drawn {
  readonly noun: string;
  readonly kinds: RegExp;
  readonly endings: string;
  readonly usual: string;
  /** The option that asks for it. */
  readonly option: string;
}

const EXPLAIN = "--explain";
const DRAWN = {
  pictures: { noun: "pictures", kinds: KINDS, endings: ".png, .svg or .html", usual: "png", option: EXPLAIN },
  videos: { noun: "videos", kinds: VIDEO_KINDS, endings: ".mp4, .webp or .html", usual: "mp4", option: EXPLAIN },
  parts: { noun: "pictures", kinds: /\.(png|jpe?g)$/i, endings: ".png or .jpg", usual: "png", option: "--draw" },
  restored: { noun: "pictures", kinds: /\.(png|jpe?g)$/i, endings: ".png or .jpg", usual: "png", option: "--out" },
  masks: { noun: "pictures", kinds: /\.png$/i, endings: ".png", usual: "png", option: "--masks" },
} as const satisfies Record<string, Drawn>;

export interface Drawings {
  readonly paths: ReadonlyMap<NamedPicture, string>;
  /** What is to be made for them. */
  readonly folder?: string;
}

/** Where the drawing of each picture goes: the file itself for one picture, files in the folder for several. */
export async function drawingPaths(
  out: string,
  pictures: readonly NamedPicture[],
  of: keyof typeof DRAWN = "pictures",
): Promise<Drawings> {
  const { noun, kinds, endings, usual, option } = DRAWN[of];
  const isFile = kinds.test(out);
  if (pictures.length === 1 && isFile) return { paths: new Map([[pictures[0]!, out]]) };
  if (isFile)
    throw new UsageError(
      `${option} ${out}: ${pictures.length} ${noun} need a folder, not one file`,
      `give a path that does not end in ${endings}`,
    );
  // A name of a file is meant as one; numbers are what --json prints.
  if (
    (isPictureName(out) || isVideoName(out) || KINDS.test(out) || /\.json$/i.test(out)) &&
    !(await nodeHost.files.stat(out))?.isDirectory
  )
    throw new UsageError(
      `${option} ${out}: ${of === "restored" ? "results" : "drawings"} are ${endings}`,
      `such as ${out.replace(/[^.]*$/, usual)}`,
    );
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  const fileFor = ({ name }: NamedPicture): string => {
    const base = name.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "") || noun.slice(0, -1);
    for (;;) {
      // Disks of macOS and Windows do not tell capitals apart.
      const count = (counts.get(base.toLowerCase()) ?? 0) + 1;
      counts.set(base.toLowerCase(), count);
      const file = `${base}${count === 1 ? "" : `-${count}`}.${usual}`;
      if (taken.has(file.toLowerCase())) continue;
      taken.add(file.toLowerCase());
      return file;
    }
  };
  const paths = new Map(pictures.map((picture) => [picture, nodeHost.files.join(out, fileFor(picture))]));
  return { paths, folder: out };
}

/** The kind of explained video that a path asks for by its ending. */
export function videoFormatOf(path: string): ExplanationFormat {
  const ending = VIDEO_KINDS.exec(path)?.[1]?.toLowerCase();
  return ending === "mp4" || ending === "webp" ? ending : "html";
}

/** Throws UsageError for a path that is not that of one drawing of a picture, by its ending. */
export function requireDrawingName(path: string): void {
  if (!KINDS.test(path))
    throw new UsageError(`--explain ${path}: drawings are ${DRAWN.pictures.endings}`, "such as looked.png");
}

/** The same of one drawing of things or segments. */
export function requirePartsName(path: string): void {
  const { kinds, endings } = DRAWN.parts;
  if (!kinds.test(path)) throw new UsageError(`--draw ${path}: drawings are ${endings}`, "such as found.png");
}

/** A drawing of things or segments with their names, in the format that its path asks for by its ending. */
export async function savePartsDrawing(drawing: PartDrawing, path: string): Promise<void> {
  const image = await finishDrawing(drawing, nodeHost);
  const bytes = /\.png$/i.test(path) ? await nodeHost.encodePng(image) : await nodeHost.encodeJpeg(image);
  await nodeHost.files.writeAtomic(path, bytes);
}

/** The kind of drawing that a path asks for by its ending. */
export function formatOf(path: string): SheetFormat {
  const ending = KINDS.exec(path)?.[1]?.toLowerCase();
  return ending === "png" || ending === "svg" ? ending : "html";
}
