// Every registered model at full size.
import { describe, test } from "vitest";
import { defineModel, registry } from "../src/models/registry.ts";
import { sweepFolder, sweepRun } from "./registry-sweep.ts";

describe.each([...registry.keys()])("%s", (name) => {
  const { architecture, config } = defineModel(name);
  const { height, width } = architecture.input(config).usual;
  test("initialise, write, read", () => sweepFolder(name, { height, width }));
  test("export, run", () => sweepRun(name, { height, width }));
});
