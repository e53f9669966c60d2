// Installing and starting stay small: sizes and counts of the package as it is packed now. No time is looked at, because times are the machine's.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUDGET } from "../bench/startup/budget.ts";
import { importedModules, productionPackages } from "../bench/startup/install-size.ts";
import { registry } from "../src/models/registry.ts";
import { PASTORAL } from "./cli/mini-model.ts";
import { ROOT } from "./docs/documents.ts";
import { packPackage } from "./docs/packed-package.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-budget-"));
const installed = join(folder, "package");
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let archive = "";

beforeAll(async () => {
  archive = await packPackage(folder);
  await promisify(execFile)("tar", ["-xzf", archive, "-C", folder]);
  symlinkSync(join(ROOT, "node_modules"), join(installed, "node_modules"));
}, 300_000);

test("the package", () => {
  const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.parentPath.includes("node_modules"),
  );
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  expect(files.length).toBeLessThanOrEqual(BUDGET.files);
  expect(bytes).toBeLessThanOrEqual(BUDGET.unpacked_bytes);
  expect(statSync(archive).size).toBeLessThanOrEqual(BUDGET.tarball_bytes);
});

test("what it brings along", () => {
  const packages = productionPackages(ROOT);
  expect(packages.length).toBeGreaterThan(20);
  expect(packages.length).toBeLessThanOrEqual(BUDGET.packages);
});

/** Modules on the disk; Node's own cost little. */
const files = (modules: readonly string[]) => modules.filter((address) => address.startsWith("file:"));

test("modules of the command, the second time too", () => {
  const cache = join(folder, "cache");
  const first = files(
    importedModules(join(installed, "bin/saccade"), ["classify", PASTORAL], { SACCADE_CACHE: cache }),
  );
  expect(first.length).toBeLessThanOrEqual(BUDGET.modules_of_classify);
  // What an earlier process made was found by this one.
  const graphs = join(cache, "graphs");
  const [kept = ""] = readdirSync(graphs);
  const again = files(
    importedModules(join(installed, "bin/saccade"), ["classify", PASTORAL], { SACCADE_CACHE: cache }),
  );
  expect(again.length).toBeLessThanOrEqual(first.length);
  expect(readdirSync(graphs)).toEqual([kept]);
  expect(kept).toMatch(/^[0-9a-f]{32}\.[0-9a-f]{64}\.onnx$/);
});

test("modules of a program", () => {
  const program = join(installed, "program.mjs");
  writeFileSync(
    program,
    `import { Classifier } from "./dist/node.js";\nif (Classifier.load === undefined) throw new Error();\n`,
  );
  expect(files(importedModules(program, [], {})).length).toBeLessThanOrEqual(BUDGET.modules_of_library);
});

test("what models cost was counted when the package was built, and is what counting says", async () => {
  const table = join(installed, "dist/node-parts/model-costs.json");
  const { build, costs } = JSON.parse(readFileSync(table, "utf8"));
  expect(Object.keys(costs)).toEqual([...registry.keys()]);
  const list = async (...args: string[]) => {
    const command = [join(installed, "bin/saccade"), "models", "--json", ...args];
    const options = { env: { ...process.env, SACCADE_CACHE: join(folder, "nothing") }, maxBuffer: 1e8 };
    return JSON.parse((await promisify(execFile)(process.execPath, command, options)).stdout);
  };
  const known = await list();
  writeFileSync(table, JSON.stringify({ build: "another", costs }));
  expect(await list()).toEqual(known);
  // The first listing did read the table.
  writeFileSync(table, JSON.stringify({ build, costs: { ...costs, resnet18: { ...costs.resnet18, macs: 7 } } }));
  expect((await list("--family", "resnet")).find(({ name }: { name: string }) => name === "resnet18").macs).toBe(7);
  writeFileSync(table, JSON.stringify({ build, costs }));
});
