// The library for pages without a bundler, into dist/standalone: saccade.js, its workers, and what these import when they need it. Workers do not follow
// import maps, so nothing in there imports by a package's name. The engine's WebAssembly and the bundled models are copied beside it by who serves it.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const web = `${root}src/platform/web`;

/** Bundled models are beside the scripts there, and not where the package has them. */
const modelsBeside = {
  name: "models-beside",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[/\\]bundled-models\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll('"../../../models/', '"./models/'),
      loader: "ts",
    })),
};

export async function buildStandalone() {
  const workers = readdirSync(web).filter((name) => name.endsWith("-worker.ts"));
  await build({
    absWorkingDir: root,
    entryPoints: {
      saccade: `${root}src/web.ts`,
      ...Object.fromEntries(workers.map((name) => [name.replace(/\.ts$/, ""), `${web}/${name}`])),
    },
    outdir: "dist/standalone",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    plugins: [modelsBeside],
    logLevel: "warning",
  });
}
