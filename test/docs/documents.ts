// What people read: the README and docs/*.md, their code blocks and code words.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");

/** Paths from the repository's root. */
export const PAGES: readonly string[] = [
  "README.md",
  "FEATURES.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "models/everyday/README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

export interface CodeBlock {
  /** Where it begins: "docs/models.md:5". */
  readonly at: string;
  /** "ts", "bash", ... */
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of all pages, in their order. */
export function codeBlocks(): CodeBlock[] {
  return PAGES.flatMap((page) => {
    const blocks: CodeBlock[] = [];
    const lines = readPage(page).split("\n");
    for (let i = 0; i < lines.length; i++) {
      const language = /^```(\w*)$/.exec(lines[i]!)?.[1];
      if (language === undefined) continue;
      const end = lines.indexOf("```", i + 1);
      if (end < 0) throw new Error(`${page}:${i + 1}: this block never ends`);
      blocks.push({ at: `${page}:${i + 1}`, language, text: lines.slice(i + 1, end).join("\n") });
      i = end;
    }
    return blocks;
  });
}

/** A page without its fenced blocks. */
export function prose(page: string): string {
  return readPage(page).replace(/^```\w*$[\s\S]*?^```$/gm, "");
}
