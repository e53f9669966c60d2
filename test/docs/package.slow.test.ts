// The package as a user gets it: packed, unpacked into another project, compiled against, run, bundled.
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BOATS, PASTORAL } from "../cli/mini-model.ts";
import { codeBlocks, ROOT } from "./documents.ts";
import { packPackage } from "./packed-package.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-package-"));
const project = join(folder, "project");
const installed = join(project, "node_modules/saccade");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (command: string, args: readonly string[], cwd = project) => promisify(execFile)(command, args, { cwd });
const runNode = (...args: readonly string[]) => run(process.execPath, args);

/** Installs without a network. */
beforeAll(async () => {
  const archive = await packPackage(folder);
  mkdirSync(installed, { recursive: true });
  await run("tar", ["-xzf", archive, "--strip-components=1", "-C", installed]);
  linkDependencies();
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", version: "1.0.0" }));
  for (const name of ["photo.jpg", "a.jpg", "cow.jpg"]) cpSync(PASTORAL, join(project, name));
  for (const name of ["b.jpg", "boat.jpg", "elephant.jpg"]) cpSync(BOATS, join(project, name));
}, 300_000);

/** What npm would install beside the package. */
function linkDependencies(): void {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
    optionalDependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) {
    const link = join(project, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), link);
  }
}

test("what is in it: the command, code with declarations, the bundled model, the pages; no sources and no tests", () => {
  for (const path of [
    "bin/saccade",
    "dist/node.js",
    "dist/node.d.ts",
    "models/everyday/model.safetensors",
    "models/photographs/model.safetensors",
    "docs/installing.md",
  ])
    expect(existsSync(join(installed, path)), path).toBe(true);
  const all = readdirSync(installed, { recursive: true }).map(String);
  expect(all.filter((path) => /\.test\b|test-helper|^src|^test/.test(path))).toEqual([]);
});

test("the README's programs run as .mjs, from the page as it is", { timeout: 300_000 }, async () => {
  const all = codeBlocks().filter(({ at, language }) => at.startsWith("README.md") && language === "ts");
  const isElsewhere = /train\(|"saccade\/web"/; // which takes minutes, and which needs a page
  const programs = all.filter(({ text }) => !isElsewhere.test(text));
  for (const [i, { text, at }] of programs.entries()) {
    writeFileSync(join(project, `readme-${i}.mjs`), text);
    const { stdout, stderr } = await runNode(`readme-${i}.mjs`);
    expect(stderr, at).toBe("");
    if (text.includes("console.log")) expect(stdout, at).not.toBe("");
  }
  expect(existsSync(join(project, "looked.png"))).toBe(true);
});

test("from CommonJS", async () => {
  const [program] = codeBlocks().filter(({ at, language }) => at.startsWith("docs/installing.md") && language === "ts");
  writeFileSync(join(project, "common.cjs"), program!.text);
  expect((await runNode("common.cjs")).stdout).toContain("sheep");
});

test("the command", async () => {
  const { stdout } = await runNode(join(installed, "bin/saccade"), "classify", "photo.jpg", "--top-k", "1", "--json");
  expect(JSON.parse(stdout).predictions[0].label).toBe("sheep");
});

describe("declarations are checked, not skipped,", () => {
  const PROGRAM = `import { Classifier, type Prediction } from "saccade";
export async function main(): Promise<readonly Prediction[]> {
  await using classifier = await Classifier.load("saccade/photographs");
  return (await classifier.classify("photo.jpg")).predictions;
}
`;

  test.each([
    [
      "bundlers, the DOM and no types of Node",
      { module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"], types: [] },
    ],
    ["Node, with its types", { module: "nodenext", moduleResolution: "nodenext", lib: ["es2022"], types: ["node"] }],
  ])("for %s", async (name, options) => {
    writeFileSync(join(project, "typed.mts"), PROGRAM);
    const compilerOptions = {
      ...{ strict: true, target: "es2022", skipLibCheck: false, noEmit: true, exactOptionalPropertyTypes: true },
      ...{ typeRoots: [join(ROOT, "node_modules/@types")], ...options },
    };
    const config = join(project, `tsconfig-${name.length}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions, files: ["typed.mts"] }));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const said = await runNode(tsc, "-p", config).catch((error: { stdout: string }) => error);
    expect(said.stdout).toBe("");
  });
});

describe("a bundle", () => {
  async function bundle(format: "esm" | "cjs", target: string, outside: string[]): Promise<string> {
    const entry = join(project, "bundled.mjs");
    writeFileSync(
      entry,
      `import { Classifier } from "saccade";
async function main() {
  const classifier = await Classifier.load("saccade/photographs");
  console.log((await classifier.classify(process.argv[2])).predictions[0].label);
}
main().catch(({ code, message, hint }) => console.log(JSON.stringify({ code, message, hint })));
`,
    );
    const outfile = join(target, `app.${format === "esm" ? "mjs" : "cjs"}`);
    await build({
      entryPoints: [entry],
      bundle: true,
      platform: "node",
      format,
      outfile,
      external: outside,
      logLevel: "error",
    });
    return outfile;
  }

  test.each(["esm", "cjs"] as const)(
    "as %s, with the package installed beside it, takes workers and models from there",
    async (format) => {
      const app = await bundle(format, join(project, "out"), ["sharp"]);
      expect((await runNode(app, "photo.jpg")).stdout).toBe("sheep\n");
    },
  );

  test("on its own says what is missing", async () => {
    const app = await bundle("esm", join(folder, "alone"), ["sharp"]);
    const { code, message, hint } = JSON.parse((await runNode(app, "photo.jpg")).stdout);
    expect(code).toBe("bundled");
    expect(message).toMatch(/worker modules and models/);
    expect(hint).toMatch(/beside the bundle/);
  });
});
