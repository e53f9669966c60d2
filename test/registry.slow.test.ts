// Every registered model at full size.
import { describe, test } from "vitest";
import { registry } from "../src/models/registry.ts";
import { sweep } from "./registry-sweep.ts";

describe.each([...registry.keys()])("%s", (name) => {
  test("initialise, write, read, export, run", () => sweep(name, { height: 224, width: 224 }));
});
