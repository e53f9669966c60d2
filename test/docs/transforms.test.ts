// docs/transforms.md has every step of the two languages as it is written, and its examples are read.
import { expect, test } from "vitest";
import { SaccadeError } from "../../src/errors.ts";
import { parseAugmentation, printAugmentation } from "../../src/image/augment-syntax.ts";
import { RESAMPLE_FILTERS } from "../../src/image/resample.ts";
import { NORMALIZATIONS, TRANSFORM_OPS } from "../../src/image/transform.ts";
import { codeBlocks, readPage } from "./documents.ts";

const PAGE = readPage("docs/transforms.md");

/** What the parser advises about a wrong line. */
function hintOf(line: string): string {
  try {
    parseAugmentation(line);
  } catch (error) {
    if (error instanceof SaccadeError && error.hint !== undefined) return error.hint;
    throw error;
  }
  throw new Error(`${line} is not wrong`);
}

const ALL_OPS = hintOf("nothing()").replace("operations: ", "").split(", ");

test("the parser names all operations, transforms' too", () => {
  expect(ALL_OPS.length).toBeGreaterThan(TRANSFORM_OPS.length + 4);
  expect(ALL_OPS).toEqual(expect.arrayContaining([...TRANSFORM_OPS]));
});

test.each(ALL_OPS)("%s is there as it is written", (name) => {
  const values = name === "random_erasing" ? "normalize(none)|" : "";
  const usage = hintOf(`${values}${name}(!,!,!,!,!,!,!)`).replace("it is written ", "");
  expect(usage).toContain(`${name}(`);
  expect(PAGE).toContain(`- \`${usage}\`: `);
});

test("filters and normalisations by name, with their numbers", () => {
  for (const filter of RESAMPLE_FILTERS) expect(PAGE).toContain(`\`${filter}\``);
  for (const [name, { mean, std }] of Object.entries(NORMALIZATIONS))
    expect(PAGE).toContain(`| \`${name}\` | ${mean.join(", ")} | ${std.join(", ")} |`);
});

test("examples are read, and what they print means the same", () => {
  const lines = codeBlocks()
    .filter(({ at }) => at.startsWith("docs/transforms.md"))
    .flatMap(({ text }) => text.split("\n").map((line) => line.replace(/#.*/, "").trim()));
  expect(lines.length).toBeGreaterThan(6);
  for (const line of lines) {
    const read = parseAugmentation(line);
    expect(parseAugmentation(printAugmentation(read)), line).toEqual(read);
  }
});
