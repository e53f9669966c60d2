// Links and pictures of the pages lead somewhere, in a clone and in the package alike.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { PAGES, prose, ROOT, readPage } from "./documents.ts";

const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { files: string[] };
const isPackaged = (path: string) => files.some((entry) => path === entry || path.startsWith(`${entry}/`));

/** A heading as the address of its section, in the way of those who show Markdown. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function anchors(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading!));
}

const LINKS = PAGES.flatMap((page) =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^https?:/.test(target))
    .map((target) => ({ page, target })),
);

test("every page is in the package", () => {
  expect(PAGES.filter((page) => !isPackaged(page))).toEqual([]);
});

test.each(LINKS)("$page -> $target", ({ page, target }) => {
  const [file, section] = target.split("#");
  const path = file === "" ? page : normalize(join(dirname(page), file!));
  expect(existsSync(join(ROOT, path)), path).toBe(true);
  expect(isPackaged(path), path).toBe(true);
  if (section !== undefined) expect(anchors(path)).toContain(section);
});

test("every page of docs/ is named in the README", () => {
  const readme = readPage("README.md");
  for (const page of PAGES) if (page.startsWith("docs/")) expect(readme).toContain(`(${page})`);
});
