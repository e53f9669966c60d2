// The projects in examples/ as somebody has them who copied them: in a folder outside of this repository, installed from the registry, with the package
// as `npm pack` makes it. It holds dist/ as it was built last.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
export const ROOT = resolve(import.meta.dirname, "../..");

export const EXAMPLES = ["html", "vite", "webpack", "next"] as const;
export type Example = (typeof EXAMPLES)[number];

/** Where a project has its page after `npm run build`. */
const BUILT: Readonly<Record<Example, string>> = {
  html: "public",
  vite: "dist",
  webpack: "dist",
  next: "out",
};

/** Copies all projects into a folder, and installs what they need. */
export async function installExamples(tarball: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  // As a checkout has them: what was built or installed there by hand stays behind.
  const { stdout } = await run("git", ["ls-files", "-co", "--exclude-standard", "."], { cwd: join(ROOT, "examples") });
  for (const path of stdout.split("\n").filter((path) => path !== ""))
    cpSync(join(ROOT, "examples", path), join(folder, path), { recursive: true });
  for (const example of EXAMPLES) {
    const path = join(folder, example, "package.json");
    const project = JSON.parse(readFileSync(path, "utf8"));
    project.dependencies.saccade = `file:${tarball}`;
    writeFileSync(path, JSON.stringify(project));
  }
  await npm(folder, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline");
}

/** `npm run build`. @returns the folder of the page */
export async function buildExample(folder: string, example: Example): Promise<string> {
  await npm(join(folder, example), "run", "build");
  return join(folder, example, BUILT[example]);
}

/** All scripts below a folder, by their paths in it. */
export function scriptsIn(folder: string): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => /\.m?js$/.test(path));
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

async function npm(cwd: string, ...args: readonly string[]): Promise<void> {
  // What this run of npm says about itself is not for the one that it starts.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle)_/.test(name)),
  );
  await run("npm", args, {
    cwd,
    env: { ...env, NEXT_TELEMETRY_DISABLED: "1" },
    maxBuffer: 2 ** 26,
  }).catch((error: Error & { readonly stdout?: string; readonly stderr?: string }) => {
    throw new Error(`npm ${args.join(" ")} failed in ${cwd}:\n${error.stdout ?? ""}${error.stderr ?? error.message}`);
  });
}
