// Compiles src/ to dist/ with tsc, bundles Node's side (dist/node-parts) and what pages without a bundler import (dist/standalone), and builds the page in web/ with Vite (dist/page). Run by `npm run build`, and by `npm install` in a clone (the "prepare" script).
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
if (!existsSync(tsc)) {
  console.error(
    "saccade: TypeScript is not installed, so dist/ was not built (install with development dependencies to build).",
  );
  process.exit(0);
}
rmSync(`${root}/dist`, { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
// Imported here, because esbuild is a development dependency too.
await (await import("./node-parts.mjs")).buildNodeParts();
await (await import("./standalone.mjs")).buildStandalone();
const vite = fileURLToPath(new URL("../node_modules/vite/bin/vite.js", import.meta.url));
execFileSync(process.execPath, [vite, "build", "web", "--logLevel", "warn"], { cwd: root, stdio: "inherit" });
