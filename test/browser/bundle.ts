// Pages of the tests as a bundler makes them: one file a page, the library's workers beside it under their own names, chunks for what is imported
// when it is needed.
import { readdirSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { build } from "esbuild";

const ROOT = resolve(import.meta.dirname, "../..");
const WEB = resolve(ROOT, "src/platform/web");

/** Scripts by the path under which they are served. */
export type Bundle = ReadonlyMap<string, Uint8Array>;

const bundles = new Map<string, Promise<Bundle>>();

/**
 * Bundles a page's module; each once.
 *
 * @param page path of the module
 * @param release as it would be published: small, without a map to its sources
 */
export function bundlePage(page: string, release: boolean): Promise<Bundle> {
  let bundle = bundles.get(page);
  if (bundle === undefined) {
    bundle = buildPage(page, release);
    bundles.set(page, bundle);
  }
  return bundle;
}

/** The script of a page: "engine-page.js" of "…/engine-page.ts". */
export const scriptOf = (page: string): string => basename(page).replace(/\.[^.]+$/, ".js");

async function buildPage(page: string, release: boolean): Promise<Bundle> {
  const isWorker = /-worker(\.test-helper)?\.ts$/;
  const workers = [WEB, dirname(page)].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => isWorker.test(name))
      .map((name) => resolve(folder, name)),
  );
  const { outputFiles } = await build({
    entryPoints: [page, ...workers],
    absWorkingDir: ROOT,
    outdir: "/",
    entryNames: "[name]",
    chunkNames: "chunk-[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    minify: release,
    sourcemap: release ? false : "inline",
    write: false,
    logLevel: "silent",
  });
  return new Map(outputFiles.map(({ path, contents }) => [`/${basename(path)}`, contents]));
}
