// CrossViT at toy size against the official code's numbers, under its names: smooth pictures, and noise, in which a wrong resize shows.
import { describe, test } from "vitest";
import { crossvitCase } from "./crossvit-parity.ts";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectInterpreterLayers, expectSessionLayers } from "./layer-parity.ts";

describe.each(goldenCases("crossvit").filter(isToy))("%s", (name) => {
  test("interpreter", () => expectInterpreterLayers(crossvitCase(name)));
  test("native", () => expectSessionLayers(crossvitCase(name), "cpu"));
});
