// Every registered model at full size.
import { describe, test } from "vitest";
import { defineModel, registry } from "../src/models/registry.ts";
import { sweepFolder, sweepRun } from "./registry-sweep.ts";

describe.each([...registry.keys()])("%s", (name) => {
  const { architecture, config } = defineModel(name);
  const input = architecture.input(config);
  const size = input.kind === "text" ? {} : { height: input.usual.height, width: input.usual.width };
  test("initialise, write, read", () => sweepFolder(name, size));
  test("export, run", () => sweepRun(name, size));
});
