import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { BUNDLED } from "./bundled-models.ts";

test("the bundled models are those of the package's folder", () => {
  const models = resolve(import.meta.dirname, "../../../models");
  expect(Object.keys(BUNDLED).sort()).toEqual(readdirSync(models).sort());
  for (const [model, files] of Object.entries(BUNDLED)) {
    const names = readdirSync(join(models, model)).filter((name) => name !== "README.md");
    expect(Object.keys(files).sort()).toEqual(names.sort());
    for (const [name, { sha256, bytes, url }] of Object.entries(files)) {
      const file = readFileSync(join(models, model, name));
      expect([file.length, createHash("sha256").update(file).digest("hex")]).toEqual([bytes, sha256]);
      expect(url().pathname).toBe(join(models, model, name));
    }
  }
});
