import { expect, test } from "vitest";
import { modelCost } from "../cost.ts";
import { defineModel } from "../registry.ts";

test("14,862 parameters, as the paper states, and half a million products a branch", () => {
  const { parameters, macs } = modelCost(defineModel("lightweight_cnn"), { height: 28, width: 28 });
  expect(parameters).toBe(14_862);
  expect(macs).toBe(811_704);
});
