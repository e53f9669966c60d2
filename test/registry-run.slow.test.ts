// Every registered model at a fraction of its width, exported and run in the engine.
import { test } from "vitest";
import { sweepRun } from "./registry-sweep.ts";
import { distinctToys, toyOf } from "./registry-toys.ts";

test.each(distinctToys())("%s: export, run", (name) => sweepRun(name, toyOf(name)));
