// Every TypeScript example of the pages and of public comments compiles as strictly as users compile.
import ts from "typescript";
import { expect, test } from "vitest";
import { codeBlocks } from "./documents.ts";
import { commentExamples, complaints, toJavaScript } from "./typescript.ts";

const BLOCKS = codeBlocks();
const TYPESCRIPT = BLOCKS.filter(({ language }) => language === "ts");

test("blocks say what they are", () => {
  const languages = new Set(BLOCKS.map(({ language }) => language));
  expect([...languages].sort()).toEqual(["bash", "json", "text", "ts"]);
});

test("the pages' TypeScript compiles", () => {
  expect(TYPESCRIPT.filter(({ at }) => at.startsWith("README.md")).length).toBeGreaterThan(3);
  expect(complaints(TYPESCRIPT)).toEqual([]);
});

test("pasted into .mjs it has no syntax that Node 20 lacks", () => {
  const isNewer = (text: string) => toJavaScript(text) !== toJavaScript(text, ts.ScriptTarget.ES2022);
  expect(TYPESCRIPT.filter(({ text }) => isNewer(text)).map(({ at }) => at)).toEqual([]);
  expect(isNewer("await using a = b();")).toBe(true);
});

test("the pages' JSON parses", () => {
  for (const { language, text, at } of BLOCKS)
    if (language === "json")
      expect(() => JSON.parse(text.trimStart().startsWith("{") ? text : `{${text}}`), at).not.toThrow();
});

test("examples in public comments compile", () => {
  const { names, examples } = commentExamples();
  expect(examples.length).toBeGreaterThan(5);
  // What an example takes for granted: the entry's names, reading and writing files, and some pictures.
  const prelude = `import { ${names.join(", ")} } from "saccade";
import { readFile, writeFile } from "node:fs/promises";
declare const pictures: readonly PictureSource[];
declare const image: RawImage;
async function example() {\n`;
  expect(complaints(examples.map(({ at, text }) => ({ at, text: `${prelude}${text}\n}` })))).toEqual([]);
});

test("an example that does not compile is noticed", () => {
  const example = 'import { Classifier } from "saccade";\nawait Classifier.load(5);\n';
  expect(complaints([{ at: "here", text: example }])).toEqual([
    expect.stringMatching(/^here, line 2: Argument of type/),
  ]);
});
