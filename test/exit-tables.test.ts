// The tables of the document on glance and focus are what the script makes from the checked-in results.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { readExitResults, type ScenesReport, updateDocument } from "../bench/exit-tables.ts";

const DOCUMENT = readFileSync(resolve(import.meta.dirname, "../docs/glance-and-focus.md"), "utf8");

test("the document's tables are the script's", () => {
  expect(DOCUMENT, "run: npx tsx bench/exit-tables.ts").toBe(updateDocument(DOCUMENT, readExitResults()));
});

test("a row a way of choosing patches, and a row a way of answering", () => {
  const choices = { policy: [0.2, 0.4], random: [0.2, 0.25], centre: [0.2, 0.3] };
  const rows = [
    { name: "early exit, q = 1", top1: 0.401, macs: 12.34e6, ms: { 1: 1.234, 32: 0.5 }, possible: { 1: 1, 32: 0.456 } },
    { name: "all steps, one graph", top1: 0.4, macs: 20e6, ms: { 1: 2, 32: 1 } },
  ];
  const scenes: ScenesReport = {
    pictures: 100,
    threads: 2,
    machine: { processor: "a processor" },
    steps: [],
    accuracy_by_look: { after_stage_2: choices, after_stage_3: { ...choices, policy: [0.3, 0.5] } },
    rows,
  };
  const made = updateDocument(DOCUMENT, { scenes, largeScenes: undefined, everyday: undefined }).split("\n");
  expect(made).toEqual(
    expect.arrayContaining([
      "| top-1, % after looks | 1 (the glance) | 2 |",
      "| patches anywhere | 20.0 | 25.0 |",
      "| the policy, fine-tuned (stage 3) | 30.0 | 50.0 |",
      "|  | top-1, % | MMACs | ms, batch 1 | possible | ms, batch 32 | possible |",
      "| early exit, q = 1 | 40.1 | 12.3 | 1.23 | 1.00 | 0.50 | 0.46 |",
      "| all steps, one graph | 40.0 | 20.0 | 2.00 |  | 1.00 |  |",
    ]),
  );
  expect(() => updateDocument("nothing", { scenes, largeScenes: undefined, everyday: undefined })).toThrow(
    "no place for the table looks",
  );
});
