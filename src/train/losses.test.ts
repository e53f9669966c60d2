// Losses and their gradients against PyTorch 2.13 in float64, and by hand.
import { expect, test } from "vitest";
import { differentiate } from "../graph/gradients/differentiate.ts";
import { interpret } from "../graph/interpreter/interpret.ts";
import { Graph, type Tensor } from "../graph/tensor.ts";
import { type TensorData, tensor, toFloat64 } from "../tensor.ts";
import { binaryCrossEntropy, distillation, featureDistillation, softCrossEntropy } from "./losses.ts";

type Rows = readonly (readonly number[])[];

const matrix = (rows: Rows): TensorData =>
  tensor("float64", [rows.length, rows[0]!.length], Float64Array.from(rows.flat()));

/** The loss of (a, b) and its gradient by a. */
function evaluate(loss: (a: Tensor, b: Tensor) => Tensor, a: Rows, b: Rows) {
  const graph = new Graph();
  const left = graph.input("a", [a.length, a[0]!.length]);
  const value = loss(left, graph.input("b", [b.length, b[0]!.length]));
  graph.output("loss", value);
  graph.output("gradient", differentiate(value, [left])[0]!);
  const outputs = interpret(graph, {
    inputs: { a: matrix(a), b: matrix(b) },
    parameters: new Map(),
    precision: "float64",
  });
  return { loss: toFloat64(outputs.get("loss")!)[0]!, gradient: [...toFloat64(outputs.get("gradient")!)] };
}

function expectClose(actual: readonly number[], expected: readonly number[], digits = 10): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(value, `element ${i}`).toBeCloseTo(expected[i]!, digits);
  });
}

const LOGITS: Rows = [
  [2, -1, 0.5],
  [0.25, 3, -2],
];

test("cross-entropy with soft targets: F.cross_entropy(logits, probabilities)", () => {
  const { loss, gradient } = evaluate(softCrossEntropy, LOGITS, [
    [0.7, 0.2, 0.1],
    [0.05, 0.05, 0.9],
  ]);
  expect(loss).toBeCloseTo(2.848546001136462, 12);
  expectClose(
    gradient,
    [
      0.04279851729463792, -0.08044371336465628, 0.03764519607001834, 0.004854255509399795, 0.4419991291100377,
      -0.4468533846194375,
    ],
    12,
  );
});

test("cross-entropy with a hard target is the logarithm of its probability", () => {
  const { loss } = evaluate(softCrossEntropy, [[1, 1, 1, 1]], [[0, 1, 0, 0]]);
  expect(loss).toBeCloseTo(Math.log(4), 12);
});

test("binary cross-entropy stays finite at logits of 1000: F.binary_cross_entropy_with_logits", () => {
  const { loss, gradient } = evaluate(
    binaryCrossEntropy,
    [
      [2, -1, 0.5],
      [100, -100, 1000],
    ],
    [
      [0.7, 0, 1],
      [1, 0, 0.25],
    ],
  );
  expect(loss).toBeCloseTo(125.25237778045688, 10);
  expectClose(gradient, [0.03013284632964706, 0.04482357022833252, -0.0629234447996909, 0, 0, 0.125], 8);
});

test("distillation: F.kl_div(log_softmax(x / T), softmax(t / T), batchmean) T^2, with T = 2", () => {
  const teacher = [
    [1, 0, -1],
    [-50, 4, 60],
  ];
  const { loss, gradient } = evaluate((student, logits) => distillation(student, logits, 2), LOGITS, teacher);
  expect(loss).toBeCloseTo(5.794391669573477, 9);
  expectClose(
    gradient,
    [
      0.08331727260115855, -0.17559423857158407, 0.0922769659704254, 0.18940365385429367, 0.7491059825945316,
      -0.9385096364488253,
    ],
    9,
  );
  // A student that agrees with its teacher has nothing to learn.
  const agreed = evaluate((student, logits) => distillation(student, logits, 2), LOGITS, LOGITS);
  expectClose([agreed.loss, ...agreed.gradient], new Array(7).fill(0));
});

test("feature distillation: mean of 2 - 2 cosine_similarity", () => {
  const { loss, gradient } = evaluate(
    featureDistillation,
    [
      [1, 2, -2, 0.5],
      [0.1, -0.3, 0.2, 4],
    ],
    [
      [0.5, 2, 1, 0],
      [-1, -1, 3, 2],
    ],
  );
  expect(loss).toBeCloseTo(1.0756834143277998, 10);
  expectClose(
    gradient,
    [
      -0.03296603258562427, -0.20943126583808358, -0.22106633616242155, 0.019391783873896628, 0.06777329967730522,
      0.05375673006131731, -0.1857991870119308, 0.011627381613262683,
    ],
    9,
  );
});
