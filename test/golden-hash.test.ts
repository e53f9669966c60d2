import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goldenPath, hashedValues } from "./golden-case.ts";

test.skipIf(goldenPath("hash-check.json") === undefined)(
  "hashed values agree with the goldens' own check (skipped without it)",
  () => {
    const checks = JSON.parse(readFileSync(goldenPath("hash-check.json")!, "utf8"));
    for (const { name, scale, offset, salt, first } of checks)
      expect([...hashedValues(name, first.length, scale, offset, salt)]).toEqual(first);
  },
);
