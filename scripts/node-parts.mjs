// Node's side of dist/ in few files instead of a thousand: reading, linking and compiling a module costs a process that starts a third of a
// millisecond, whatever is in it. Entries keep their places and names; what they share is in dist/node-parts. Modules of pages stay single, for bundlers.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { costTable } from "./cost-table.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What programs import and what threads and processes start from. */
function entries() {
  const node = readdirSync(`${root}src/platform/node`).filter((name) => /^(.*-worker|fresh-process)\.ts$/.test(name));
  return ["node.ts", "cli/main.ts", "cli/shard-main.ts", ...node.map((name) => `platform/node/${name}`)];
}

/**
 * Bundles Node's entries over what tsc made of them, then leaves out what nothing imports any more.
 *
 * @param dist the folder that tsc wrote to
 */
export async function buildNodeParts(dist = `${root}dist`) {
  const digest = sourcesDigest();
  await build({
    absWorkingDir: root,
    entryPoints: entries().map((name) => `src/${name}`),
    outbase: "src",
    outdir: dist,
    bundle: true,
    splitting: true,
    chunkNames: "node-parts/[name]-[hash]",
    external: dependencies().filter((name) => !INLINED.includes(name)),
    define: { SACCADE_BUILD: JSON.stringify(digest) },
    format: "esm",
    platform: "node",
    target: "es2022",
    sourcemap: true,
    sourcesContent: false, // files and lines say enough; most sources are in the maps of pages' modules too
    logLevel: "warning",
  });
  writeFileSync(`${dist}/node-parts/LICENSES.txt`, licences());
  writeFileSync(`${dist}/node-parts/model-costs.json`, await costTable(digest));
  prune(dist);
}

/** Small packages of very many modules, which every command needs. Whoever bundles the package for pages gets them as dependencies. */
const INLINED = ["zod", "@bufbuild/protobuf", "entities"];

function dependencies() {
  const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
    readFileSync(`${root}package.json`, "utf8"),
  );
  return [dependencies, optionalDependencies, peerDependencies].flatMap(Object.keys);
}

/** Licences travel with the code. */
function licences() {
  const texts = INLINED.map((name) => {
    const folder = `${root}node_modules/${name}`;
    const { license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    return `${name}: ${license}\n\n${file === undefined ? "" : readFileSync(`${folder}/${file}`, "utf8")}`;
  });
  return `In the files of this folder is also code of these packages.\n\n${texts.join("\n\n----\n\n")}`;
}

/** Of everything that is compiled. */
function sourcesDigest() {
  const hash = createHash("sha256");
  const names = readdirSync(`${root}src`, { recursive: true }).map(String);
  for (const name of names.filter((one) => /(?<!\.test)\.m?ts$/.test(one)).sort())
    hash.update(`${name}\n`).update(readFileSync(`${root}src/${name}`));
  return hash.digest("hex").slice(0, 16);
}

/** Takes away modules that neither pages import nor Node's entries, and declarations that no entry's refer to. */
function prune(dist) {
  const all = readdirSync(dist, { recursive: true }).map((name) => `${dist}/${name.replaceAll("\\", "/")}`);
  const isOwn = (path) => !/\/dist\/(page|standalone|node-parts)\//.test(path);
  const web = all.filter((path) => /\/dist\/(web|platform\/web\/[^/]+-worker)\.js$/.test(path));
  const node = entries().map((name) => `${dist}/${name.replace(/\.ts$/, ".js")}`);
  const bootstrap = `${dist}/platform/node/worker-bootstrap.mjs`;
  const code = new Set([...reachable(web, ".js"), ...node, bootstrap]);
  const types = reachable([`${dist}/node.d.ts`, `${dist}/web.d.ts`], ".d.ts");
  for (const path of all.filter(isOwn)) {
    const [, module] = /^(.*\.m?js)(?:\.map)?$/.exec(path) ?? [];
    if (module !== undefined ? !code.has(module) : /\.d\.m?ts$/.test(path) && !types.has(path)) rmSync(path);
  }
  const folders = all.filter((path) => isOwn(`${path}/`) && existsSync(path)).sort((a, b) => b.length - a.length);
  for (const folder of folders) if (!/\.\w+$/.test(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** These files and all that they import by relative paths, types included. */
function reachable(from, extension) {
  const found = new Set();
  const next = [...from];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (found.has(path) || !existsSync(path)) continue;
    found.add(path);
    const text = readFileSync(path, "utf8");
    for (const [, specifier] of text.matchAll(/(?:from|import|URL)\s*\(?\s*["'](\.[^"']+)["']/g))
      next.push(resolve(dirname(path), specifier.replace(/\.[jt]s$/, extension)));
  }
  return found;
}
