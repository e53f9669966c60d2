// The package as `npm publish` would send it.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { buildNodeParts } from "../../scripts/node-parts.mjs";
import { ROOT } from "./documents.ts";

const run = (command: string, args: readonly string[], cwd: string) => promisify(execFile)(command, args, { cwd });

/**
 * Packs what Node needs into a folder, built anew, so that nothing depends on a dist/ that may be old or in use; or what is in dist/, where `SACCADE_BUILT` says that this is built.
 *
 * @returns the archive's path
 */
export async function packPackage(folder: string): Promise<string> {
  if (process.env.SACCADE_BUILT !== undefined) return await packBuiltPackage(folder);
  const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { files: string[] };
  const source = join(folder, "source");
  mkdirSync(source);
  for (const path of ["package.json", ...files.filter((entry) => entry !== "dist")])
    cpSync(join(ROOT, path), join(source, path), { recursive: true });
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", join(source, "dist")], ROOT);
  await buildNodeParts(join(source, "dist"));
  return await pack(source, folder);
}

/** Packs dist/ as it was built last, pages among it. @returns the archive's path */
export async function packBuiltPackage(folder: string): Promise<string> {
  if (!existsSync(join(ROOT, "dist/standalone"))) throw new Error("dist/ is not built: npm run build");
  return await pack(ROOT, folder);
}

async function pack(source: string, folder: string): Promise<string> {
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], source);
  const archive = readdirSync(folder).find((entry) => entry.endsWith(".tgz"))!;
  expect(archive).toMatch(/^saccade-/);
  return join(folder, archive);
}
