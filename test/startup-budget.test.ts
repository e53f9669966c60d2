// What was last measured of installing and starting is within the budget.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { BUDGET } from "../bench/startup/budget.ts";

const ROOT = resolve(import.meta.dirname, "..");
const { install, modules_of_classify, first_answer } = JSON.parse(
  readFileSync(join(ROOT, "bench/results/startup.json"), "utf8"),
);

test.each(["tarball_bytes", "unpacked_bytes", "files", "packages", "packages_bytes"] as const)("%s", (name) => {
  expect(install[name]).toBeGreaterThan(0);
  expect(install[name]).toBeLessThanOrEqual(BUDGET[name]);
});

test("modules and memory of the first answer", () => {
  expect(modules_of_classify).toBeLessThanOrEqual(BUDGET.modules_of_classify);
  const own = first_answer.filter((row: { package: string }) => row.package === "this");
  expect(own).toHaveLength(6);
  for (const row of own) expect(row.peak_bytes).toBeLessThanOrEqual(BUDGET.peak_bytes);
});
