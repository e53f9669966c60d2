// The package as `npm publish` would send it, built anew, so that nothing depends on a dist/ that may be old or in use.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { buildNodeParts } from "../../scripts/node-parts.mjs";
import { ROOT } from "./documents.ts";

/** Packs into a folder and returns the archive's path. */
export async function packPackage(folder: string): Promise<string> {
  const run = (command: string, args: readonly string[], cwd: string) => promisify(execFile)(command, args, { cwd });
  const { name, files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    name: string;
    files: string[];
  };
  const source = join(folder, "source");
  mkdirSync(source);
  for (const path of ["package.json", ...files.filter((entry) => entry !== "dist")])
    cpSync(join(ROOT, path), join(source, path), { recursive: true });
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", join(source, "dist")], ROOT);
  await buildNodeParts(join(source, "dist"));
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], source);
  const archive = readdirSync(folder).find((entry) => entry.endsWith(".tgz"))!;
  expect(archive).toMatch(new RegExp(`^${name}-`));
  return join(folder, archive);
}
