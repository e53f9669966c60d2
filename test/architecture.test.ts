// Imports go downwards only. The table is the architecture (docs/design.md); any edge that is not in it fails.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SRC = resolve(import.meta.dirname, "../src");

/** Folder (or root file) -> what it may import. Every folder may import itself, errors.ts, byte-sources.ts, tensor.ts, random.ts, statistics.ts, text-file.ts, gunzip.ts and nearest-name.ts. */
const ALLOWED: Record<string, readonly string[]> = {
  "errors.ts": [],
  "byte-sources.ts": [],
  "tensor.ts": [],
  "random.ts": [],
  "statistics.ts": [],
  "text-file.ts": [],
  "gunzip.ts": [],
  "nearest-name.ts": [],
  "version.ts": [],
  graph: [],
  onnx: ["graph"],
  nn: ["graph"],
  weights: [],
  text: [],
  models: ["nn", "graph", "weights"],
  image: [],
  boxes: ["image"],
  video: ["image"],
  data: ["image", "boxes", "video"],
  embeddings: ["image", "data"],
  jobs: ["image", "data", "platform/host.ts"],
  learn: [],
  runtime: ["onnx", "graph"],
  platform: ["version.ts", "runtime", "onnx", "graph", "weights", "image", "video", "data", "embeddings", "jobs"],
  "model-folder": ["models", "nn", "graph", "onnx", "weights", "text", "image", "runtime", "platform/host.ts"],
  train: [
    "learn",
    "model-folder",
    "models",
    "nn",
    "graph",
    "onnx",
    "weights",
    "image",
    "boxes",
    "video",
    "data",
    "runtime",
    "platform/host.ts",
  ],
  recipes: ["train", "models"],
  tasks: [
    "version.ts",
    "learn",
    "model-folder",
    "models",
    "graph",
    "onnx",
    "weights",
    "text",
    "image",
    "boxes",
    "video",
    "embeddings",
    "runtime",
    "platform/host.ts",
  ],
  retrieval: ["learn", "tasks", "model-folder", "embeddings", "onnx", "image", "runtime", "platform/host.ts"],
  evaluate: [
    "tasks",
    "train",
    "model-folder",
    "models",
    "graph",
    "onnx",
    "weights",
    "image",
    "boxes",
    "data",
    "video",
    "runtime",
    "platform/host.ts",
  ],
  audit: ["learn", "tasks", "evaluate", "model-folder", "image", "data", "runtime", "platform/host.ts"],
  workflows: [
    "version.ts",
    "train",
    "recipes",
    "tasks",
    "evaluate",
    "retrieval",
    "audit",
    "learn",
    "model-folder",
    "models",
    "onnx",
    "image",
    "boxes",
    "video",
    "data",
    "embeddings",
    "jobs",
    "runtime",
    "platform/host.ts",
  ],
  server: [
    "version.ts",
    "retrieval",
    "tasks",
    "evaluate",
    "model-folder",
    "onnx",
    "image",
    "boxes",
    "runtime",
    "platform",
  ],
  cli: ["*"],
  "node.ts": ["*"],
  "in-page": ["*"],
  "web.ts": ["*"],
};

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return /\.(ts|mjs)$/.test(entry.name) && !/\.test\.ts$/.test(entry.name) ? [path] : [];
  });
}

const room = (path: string) => relative(SRC, path).split("/")[0]!;

function importsOf(path: string): string[] {
  const text = readFileSync(path, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
}

test("imports go downwards only", () => {
  const wrong: string[] = [];
  for (const path of sourceFiles(SRC)) {
    const from = room(path);
    const allowed = ALLOWED[from];
    if (allowed === undefined) {
      wrong.push(`${relative(SRC, path)}: no rule for "${from}" (add it to the table on purpose)`);
      continue;
    }
    for (const specifier of importsOf(path)) {
      if (!specifier.startsWith(".")) continue;
      const target = resolve(dirname(path), specifier);
      const to = room(target);
      const fine =
        to === from ||
        to === "errors.ts" ||
        to === "byte-sources.ts" ||
        to === "tensor.ts" ||
        to === "random.ts" ||
        to === "statistics.ts" ||
        to === "text-file.ts" ||
        to === "gunzip.ts" ||
        to === "nearest-name.ts" ||
        allowed.includes("*") ||
        allowed.includes(to) ||
        allowed.includes(relative(SRC, target)) ||
        relative(SRC, target) === "../package.json";
      if (!fine) wrong.push(`${relative(SRC, path)} -> ${relative(SRC, target)}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("platforms do not know each other, and what they share knows none", () => {
  const within = (folder: string, files: readonly string[]) =>
    files.filter((path) => relative(SRC, path).startsWith(`platform/${folder}/`));
  const reaches = (from: string, to: string) =>
    within(from, sourceFiles(SRC)).filter((path) => {
      const targets = importsOf(path).map((specifier) => resolve(dirname(path), specifier));
      return within(to, targets).length > 0;
    });
  for (const shared of ["engine", "media"]) expect([reaches(shared, "node"), reaches(shared, "web")]).toEqual([[], []]);
  expect([reaches("node", "web"), reaches("web", "node")]).toEqual([[], []]);
});

test("ONNX Runtime is imported in one place of each platform", () => {
  const importers = sourceFiles(SRC)
    .filter((path) => /^(?!import type).*(?:from|import)\s*\(?\s*"onnxruntime/m.test(readFileSync(path, "utf8")))
    .map((path) => relative(SRC, path));
  expect(importers.sort()).toEqual(["platform/node/engine.ts", "platform/web/engine.ts"]);
});

test("no folder is made by Node's recursive mkdir, which never comes back from /proc", () => {
  const makers = sourceFiles(SRC)
    .filter((path) => /mkdir(Sync)?\([^;]*recursive/.test(readFileSync(path, "utf8")))
    .map((path) => relative(SRC, path));
  expect(makers).toEqual([]);
});

test("platform/host.ts only describes: it imports types", () => {
  expect(readFileSync(join(SRC, "platform/host.ts"), "utf8")).not.toMatch(/^import (?!type)/m);
});
