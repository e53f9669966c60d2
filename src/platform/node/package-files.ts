// Where this package's own files are: the modules that threads and processes start from, and the bundled models. A program that was bundled
// into one file has the code but not the files, so they are those of the package that is installed beside it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { SaccadeError } from "../../errors.ts";
import { version } from "../../version.ts";

export interface PackagePlace {
  /** The package's folder. */
  readonly root: URL;
  /** The folder of modules that threads start from. */
  readonly modules: URL;
  /** What they end in: sources in .ts, built code in .js. */
  readonly extension: string;
}

/** This module in the package, as a source. */
const SOURCE = /\/src\/platform\/node\/package-files\.ts$/;
/** What the build makes of it and of others (scripts/node-parts.mjs). */
const BUILT = /\/dist\/node-parts\/[^/]+\.js$/;

/**
 * The package that the code at `codeUrl` belongs to.
 *
 * @param codeUrl this module's URL, or that of the bundle it went into
 * @throws SaccadeError when that is a bundle and the package, in the same version, is not installed beside it
 */
export function findPackage(codeUrl: string): PackagePlace {
  const { pathname } = new URL(codeUrl);
  if (SOURCE.test(pathname))
    return { root: new URL("../../../", codeUrl), modules: new URL("./", codeUrl), extension: ".ts" };
  const root = BUILT.test(pathname) ? new URL("../../", codeUrl) : installedRoot(codeUrl);
  return { root, modules: new URL("dist/platform/node/", root), extension: ".js" };
}

/** The folder of the package that the bundle at `bundleUrl` would import. */
function installedRoot(bundleUrl: string): URL {
  const hint = "install the package beside the bundle, in the version that was bundled, or leave it out of the bundle";
  try {
    const manifest = createRequire(bundleUrl).resolve("saccade/package.json");
    const { version: installed } = JSON.parse(readFileSync(manifest, "utf8")) as { version?: string };
    if (installed === version) return new URL("./", pathToFileURL(manifest));
    throw new SaccadeError("bundled", `saccade ${version} was bundled, but ${installed} is installed`, { hint });
  } catch (error) {
    if (error instanceof SaccadeError) throw error;
    throw new SaccadeError("bundled", "a bundled program finds saccade's worker modules and models in no package", {
      hint,
      cause: error,
    });
  }
}

let place: PackagePlace | undefined;

/** The package that runs. */
export function ownPackage(): PackagePlace {
  // Bundles in CommonJS have no import.meta.url, but a file name.
  place ??= findPackage(import.meta.url ?? pathToFileURL(__filename).href);
  return place;
}
