// Pictures that annotation files mean by name: which files a folder has, looked up once.
import { baseName, extensionOf, isPictureName } from "../../image/picture-files.ts";
import type { DataFileEntry, DataFiles } from "../files.ts";

/** A name without its extension: what a picture and the file about it have in common. */
export const stemOf = (path: string): string => baseName(path).replace(/\.[^.]+$/, "");

export const hasExtension =
  (...extensions: readonly string[]) =>
  ({ path, isDirectory }: DataFileEntry): boolean =>
    !isDirectory && !baseName(path).startsWith(".") && extensions.includes(extensionOf(path));

export const isPicture = ({ path, isDirectory }: DataFileEntry): boolean => !isDirectory && isPictureName(path);

/** A folder's pictures by name without extension. */
export async function picturesByStem(files: DataFiles, folder: string): Promise<Map<string, string>> {
  return new Map((await files.list(folder)).filter(isPicture).map(({ path }) => [stemOf(path), path]));
}

/** The folder of that name among these, whatever its case. */
export function folderNamed(entries: readonly DataFileEntry[], ...names: readonly string[]): string | undefined {
  const wanted = names.map((name) => name.toLowerCase());
  return entries.find(({ path, isDirectory }) => isDirectory && wanted.includes(baseName(path).toLowerCase()))?.path;
}
