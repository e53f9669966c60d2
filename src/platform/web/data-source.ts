// What a page hands over as labelled pictures, as a path that the library reads: folders and files that a person has chosen, and pictures in memory, are laid
// over the page's own files.
import { describeValue } from "../../byte-sources.ts";
import { UsageError } from "../../errors.ts";
import { looksLikePixels, type Pixels, rgbPixels } from "../../image/pixels.ts";
import { chosenFiles, chosenFolder, type Mount, MountedFiles } from "./mounts.ts";
import { joinPath } from "./paths.ts";
import { encodePng } from "./png.ts";
import type { WebFiles } from "./web-files.ts";

/** A picture of a data set: a file's bytes, pixels, or what gets the bytes when they are wanted. */
export type TrainingPictureSource = Blob | Uint8Array | Pixels | (() => Promise<Blob | Uint8Array>);

/** A picture in memory, or wherever its function finds it, and what is in it. */
export interface TrainingPicture {
  readonly picture: TrainingPictureSource;
  readonly label: string;
  /** For people, when the picture cannot be read. Default: its place among the pictures. */
  readonly name?: string;
  /** Default "train", of which a part is split off to measure with unless some say "validation". */
  readonly split?: "train" | "validation" | "test";
}

/**
 * Labelled pictures: the path of what is in the browser's storage; a folder that a person has chosen (its handle, or its files), in any layout that is read
 * from disks; a single file of many (a list, Parquet, an archive); or pictures in memory.
 */
export type WebDataSource =
  | string
  | FileSystemDirectoryHandle
  | FileSystemFileHandle
  | FileList
  | readonly File[]
  | readonly TrainingPicture[];

export interface OpenedDataSource {
  readonly files: WebFiles;
  readonly path: string;
}

/** Where chosen files are. */
const CHOSEN = "(chosen)";
/** Where pictures in memory are. */
const PICTURES = "(pictures)";
const LIST = "pictures.jsonl";

/** @throws UsageError for what is no data */
export async function openDataSource(base: WebFiles, source: WebDataSource): Promise<OpenedDataSource> {
  if (typeof source === "string") return { files: base, path: source };
  const { mount, path } = await mounted(source);
  return { files: new MountedFiles(base, [mount]), path };
}

async function mounted(source: Exclude<WebDataSource, string>): Promise<{ mount: Mount; path: string }> {
  if ("kind" in source) {
    if (source.kind === "directory") {
      const root = joinPath(CHOSEN, source.name);
      return { mount: chosenFolder(root, source as FileSystemDirectoryHandle), path: root };
    }
    return mountedFiles([await (source as FileSystemFileHandle).getFile()]);
  }
  const items: readonly unknown[] = [...(source as Iterable<unknown>)];
  if (items.length === 0) throw new UsageError("there are no pictures", "choose a folder with a folder for each class");
  if (items.every((item) => item instanceof File)) return mountedFiles(items as File[]);
  return mountedPictures(items);
}

function mountedFiles(files: readonly File[]): { mount: Mount; path: string } {
  const named = new Map(files.map((file) => [file.webkitRelativePath || file.name, file]));
  const mount = chosenFiles(CHOSEN, named);
  const [first = ""] = named.keys();
  if (named.size === 1) return { mount, path: joinPath(CHOSEN, first) };
  const [top = ""] = first.split("/");
  const isOneFolder = [...named.keys()].every((path) => path.startsWith(`${top}/`));
  return { mount, path: isOneFolder ? joinPath(CHOSEN, top) : CHOSEN };
}

/** A folder of files with numbers for names, and a list that labels them: labels may be any text, which names of folders may not. */
async function mountedPictures(items: readonly unknown[]): Promise<{ mount: Mount; path: string }> {
  const readers = new Map<string, () => Promise<Uint8Array>>();
  const rows = items.map((item, i) => {
    const { picture, label, name, split } = requireLabelled(item, i);
    // The name is part of the path, so that messages have it.
    const file = `${String(i + 1).padStart(6, "0")}${name === undefined ? "" : ` ${name.replaceAll(/[\\/]+/g, " ")}`}`;
    readers.set(file, readerOf(picture, i));
    return JSON.stringify({ path: file, label, ...(split === undefined ? {} : { split }) });
  });
  const list = new TextEncoder().encode(`${rows.join("\n")}\n`);
  const mount: Mount = {
    root: PICTURES,
    async entry(path) {
      if (path === "") return { kind: "folder", names: [LIST, ...readers.keys()] };
      if (path === LIST) return { kind: "file", size: list.length, read: async () => list };
      const read = readers.get(path);
      return read === undefined ? undefined : { kind: "file", size: 0, read };
    },
  };
  return { mount, path: joinPath(PICTURES, LIST) };
}

function requireLabelled(item: unknown, index: number): TrainingPicture {
  if (typeof item === "object" && item !== null && "picture" in item && "label" in item) {
    if (typeof item.label === "string" && item.label.trim() !== "") return item as TrainingPicture;
    throw new UsageError(`picture ${index + 1} has ${describeValue(item.label)} as its label`, "a label is a text");
  }
  throw new UsageError(
    `labelled pictures have a picture and a label; the one at place ${index + 1} is ${describeValue(item)}`,
  );
}

function readerOf(picture: TrainingPictureSource, index: number): () => Promise<Uint8Array> {
  if (typeof picture === "function") return async () => bytesOf(await picture());
  if (picture instanceof Blob || picture instanceof Uint8Array) return () => bytesOf(picture);
  // Lossless, so that pixels stay what they are.
  if (looksLikePixels(picture)) return () => encodePng(rgbPixels(picture));
  throw new UsageError(`the picture at place ${index + 1} is ${describeValue(picture)}, which is no picture`);
}

const bytesOf = async (picture: Blob | Uint8Array): Promise<Uint8Array> =>
  picture instanceof Blob ? new Uint8Array(await picture.arrayBuffer()) : picture;
