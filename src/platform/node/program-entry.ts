// Programs of this package that processes of their own run, from sources or built.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { ownPackage } from "./package-files.ts";

/** The URL of a module of `cli/` by its name: "shard-main". */
export function programEntry(name: string): URL {
  const { modules, extension } = ownPackage();
  return new URL(`../../cli/${name}${extension}`, modules);
}

/** What Node needs to run a module: nothing once it is built, tsx for a source. */
export function loaderFor(entry: URL): string[] {
  if (!entry.pathname.endsWith(".ts")) return [];
  return ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href];
}
