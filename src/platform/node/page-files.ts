// The files of the built page: those in its folder, and those that the installation has in another place (the engine, the bundled model), which would make the
// package larger for nothing. The build lists the latter.
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FormatError, NotFoundError, UsageError } from "../../errors.ts";
import { nodeFiles } from "./files.ts";
import { ownPackage } from "./package-files.ts";

/** By the page's name of a file: "onnxruntime-web/dist/…" or "models/…". */
const OUTSIDE = "outside.json";

/** Path on the disk of every file of the page, by its name in it ("assets/index.js"). */
export function pageFiles(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  if (!existsSync(folder)) return files;
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name);
    if (name !== OUTSIDE && statSync(path).isFile()) files.set(name.replaceAll("\\", "/"), path);
  }
  const list = join(folder, OUTSIDE);
  if (!existsSync(list)) return files;
  const outside = JSON.parse(readFileSync(list, "utf8")) as Record<string, string>;
  for (const [name, place] of Object.entries(outside)) files.set(name, locate(place));
  return files;
}

function locate(place: string): string {
  if (place.startsWith("models/")) return fileURLToPath(new URL(place, ownPackage().root));
  const [, file] = /^onnxruntime-web\/dist\/([\w.-]+)$/.exec(place) ?? [];
  if (file === undefined)
    throw new FormatError(OUTSIDE, `it names ${place}, which is no file of the engine or a model`);
  return join(dirname(createRequire(ownPackage().modules).resolve("onnxruntime-web")), file);
}

/**
 * Writes the page with all its files, for any server of static files.
 *
 * @param target a folder that is not there yet, or empty
 * @throws UsageError when there is something in it, or it is a file; NotFoundError without a built page in `folder`
 */
export async function writePage(folder: string, target: string): Promise<void> {
  if (existsSync(target)) {
    if (!statSync(target).isDirectory())
      throw new UsageError(`${target} is a file, not a folder`, "give the page a folder of its own");
    if (readdirSync(target).length > 0)
      throw new UsageError(`there is something in ${target} already`, "give the page a folder of its own");
  }
  const files = pageFiles(folder);
  if (!files.has("index.html")) throw missingPage(folder);
  for (const [name, path] of files) {
    await nodeFiles.makeDirectory(dirname(join(target, name)));
    cpSync(path, join(target, name));
  }
}

/** The page is not in its folder. */
export function missingPage(folder: string): NotFoundError {
  return new NotFoundError("the built page", folder, "in a clone it is built by: npm run build");
}
