// The entry for pages reaches nothing of Node's, neither by what it imports nor in a bundle; it can be imported where there is no page; and it has the
// names of the entry for Node.
import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

const SRC = resolve(import.meta.dirname, "../src");
const ENTRIES = [
  "web.ts",
  "platform/web/session-worker.ts",
  "platform/web/data-worker.ts",
  "platform/web/view-worker.ts",
];

/** Modules that a module needs when it runs; types alone are nothing then. */
function importsOf(path: string): string[] {
  const text = readFileSync(path, "utf8").replaceAll(/^(?:import|export) type [\s\S]*?from "[^"]+";/gm, "");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
}

test("no module that a page imports imports Node's", () => {
  const seen = new Set<string>();
  const wrong: string[] = [];
  const visit = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const specifier of importsOf(path)) {
      if (/^node:|^sharp$|onnxruntime-node/.test(specifier)) wrong.push(`${relative(SRC, path)} -> ${specifier}`);
      if (!specifier.startsWith(".")) continue;
      const target = resolve(dirname(path), specifier);
      if (relative(SRC, target).startsWith("platform/node"))
        wrong.push(`${relative(SRC, path)} -> ${relative(SRC, target)}`);
      if (existsSync(target)) visit(target);
    }
  };
  for (const entry of ENTRIES) visit(resolve(SRC, entry));
  expect(seen.size).toBeGreaterThan(200);
  expect(wrong).toEqual([]);
});

test("a bundle for pages has nothing of Node's in it, and nobody's address", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: ENTRIES.map((entry) => resolve(SRC, entry)),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    outdir: "/out",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => /platform\/node|\/sharp\/|onnxruntime-node|commander/.test(path))).toEqual([]);
  const own = outputFiles.filter(({ text }) => !text.includes("ort-wasm"));
  for (const { text } of own) {
    expect(text).not.toMatch(/["'`]node:/);
    expect(text).not.toMatch(/cdn\.|unpkg|jsdelivr/);
  }
});

test("it can be imported where there is no page, and has the names of the entry for Node", async () => {
  const [web, node] = [await import("../src/web.ts"), await import("../src/node.ts")];
  const onlyNode = new Set([
    ...["PictureIndex", "audit", "evaluate", "learn", "writeAuditReport"],
    ...["encodeVideoGaze", "evaluateClips", "evaluateDense", "evaluatePairs", "openLive", "pretrain"],
    ...["planJobs", "workPlan", "statusOfPlan", "retryPlan", "verifyPlan", "mergePlan"],
  ]);
  const missing = Object.keys(node).filter((name) => !(name in web) && !onlyNode.has(name));
  expect(missing).toEqual([]);
});
