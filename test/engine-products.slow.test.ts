// Heads that are fitted through the engine's products, against goldens/linear-models: thousands of small runs.
import { expect, test } from "vitest";
import { fitHead, type HeadName, type LinearHead, validateHead } from "../src/learn/heads.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { engineProducts } from "../src/tasks/recognise/engine-products.ts";
import { linearCases, objectivesOf, worstDifference } from "./linear-models.ts";

const whole = engineProducts(nodeHost, { device: "cpu", threads: 1, worthwhile: 0 });

const CASES: [HeadName, string, { C?: number; alpha?: number }][] = [
  ["svm", "svm_C1", { C: 1 }],
  ["logistic", "logistic_C1", { C: 1 }],
  ["ridge", "ridge", { alpha: 1 }],
];

test.each(linearCases())("objectives of $classes classes in float32", async (item) => {
  const { classes, features, targets } = item;
  for (const [name, stored, options] of CASES) {
    const head = (await fitHead(name, features, targets, classes, {
      seed: 0,
      products: whole,
      ...options,
    })) as LinearHead;
    const optimum = [item.objective[stored]!].flat();
    for (const [i, value] of objectivesOf(name, head, item, options).entries())
      expect(Math.abs(value / optimum[i]! - 1), `${stored} ${i}`).toBeLessThan(1e-6);
  }
});

test("rows left out are answered as with plain products", async () => {
  const { classes, features, targets } = linearCases()[0]!;
  const options = { seed: 0, alpha: 1 };
  const engine = await validateHead("ridge", features, targets, classes, { ...options, products: whole });
  const plain = await validateHead("ridge", features, targets, classes, options);
  expect(worstDifference(engine.validation.scores, plain.validation.scores)).toBeLessThan(1e-3);
});
