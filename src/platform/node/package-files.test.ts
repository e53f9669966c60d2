import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { SaccadeError } from "../../errors.ts";
import { version } from "../../version.ts";
import { findPackage, ownPackage } from "./package-files.ts";

const app = realpathSync(mkdtempSync(join(tmpdir(), "saccade-bundle-")));
afterAll(() => rmSync(app, { recursive: true, force: true }));
const bundle = pathToFileURL(join(app, "out/server.js")).href;

function install(installed: string): void {
  const folder = join(app, "node_modules/saccade");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "saccade", version: installed }));
}

const places = ({ root, modules, extension }: ReturnType<typeof findPackage>) => [root.href, modules.href, extension];

test("sources, built code and a package under node_modules know their own place", () => {
  const root = "file:///p/node_modules/saccade/";
  const sources = `${root}src/platform/node/`;
  expect(places(findPackage(`${sources}package-files.ts`))).toEqual([root, sources, ".ts"]);
  const built = [root, `${root}dist/platform/node/`, ".js"];
  expect(places(findPackage(`${root}dist/node-parts/chunk-2QNT7DOS.js`))).toEqual(built);
  expect(ownPackage().modules.href).toBe(new URL("./", import.meta.url).href);
});

test("a bundle takes the files of the package that is installed beside it, if that is the same version", () => {
  expect(() => findPackage(bundle)).toThrow(/bundled program finds saccade's worker modules and models in no package/);
  install("0.0.1");
  expect(() => findPackage(bundle)).toThrow(`saccade ${version} was bundled, but 0.0.1 is installed`);
  expect(() => findPackage(bundle)).toThrow(SaccadeError);
  install(version);
  const root = pathToFileURL(join(app, "node_modules/saccade/")).href;
  expect(places(findPackage(bundle))).toEqual([root, `${root}dist/platform/node/`, ".js"]);
});
