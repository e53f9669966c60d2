// What installing the package brings: its own files, and the packages that it needs in production.
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface InstallSize {
  readonly tarball_bytes: number;
  readonly unpacked_bytes: number;
  readonly files: number;
  /** Packages beside it on this platform, and what they take. */
  readonly packages: number;
  readonly packages_bytes: number;
}

/** @param root a checkout that is built and has its dependencies installed */
export function installSize(root: string): InstallSize {
  const options = { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 } as const;
  const printed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], options);
  const [packed] = JSON.parse(printed.slice(printed.indexOf("["))) as {
    size: number;
    unpackedSize: number;
    entryCount: number;
  }[];
  if (packed === undefined) throw new Error("npm pack says nothing");
  const names = productionPackages(root);
  return {
    tarball_bytes: packed.size,
    unpacked_bytes: packed.unpackedSize,
    files: packed.entryCount,
    packages: names.length,
    packages_bytes: names.reduce((sum, name) => sum + folderBytes(join(root, name)), 0),
  };
}

/** Folders of packages that `npm install --omit=dev` makes on this platform. */
export function productionPackages(root: string): string[] {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; link?: boolean }>;
  };
  return Object.entries(lock.packages).flatMap(([path, { dev, devOptional, link }]) => {
    const isWanted = path.startsWith("node_modules/") && !dev && !devOptional && !link;
    return isWanted && existsSync(join(root, path)) ? [path] : [];
  });
}

function folderBytes(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return sum + lstatSync(path).size;
    return entry.name === "node_modules" ? sum : sum + folderBytes(path);
  }, 0);
}

/** The modules that a program imports, by their addresses. */
export function importedModules(script: string, args: readonly string[], environment: NodeJS.ProcessEnv): string[] {
  const folder = mkdtempSync(join(tmpdir(), "saccade-modules-"));
  try {
    const log = join(folder, "modules.txt");
    const hook = join(import.meta.dirname, "modules-hook.mjs");
    execFileSync(process.execPath, ["--import", hook, script, ...args], {
      env: { ...process.env, ...environment, MODULES_LOG: log },
      stdio: ["ignore", "ignore", "inherit"],
    });
    return readFileSync(log, "utf8").trimEnd().split("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
