// Four updates of three values with changing rates, against PyTorch 2.13 in float64 (torch.optim), Lion, LAMB and Kar3 against their rules.
import { expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { Graph } from "../../graph/tensor.ts";
import { tensor, toFloat64 } from "../../tensor.ts";
import { adamW } from "./adamw.ts";
import { kar3 } from "./kar3.ts";
import { lamb } from "./lamb.ts";
import { lion } from "./lion.ts";
import type { Optimizer } from "./optimizer.ts";
import { sgd } from "./sgd.ts";

const START = [1, -2, 0.5];
const GRADIENTS = [
  [0.5, -2, 1e-3],
  [0.25, 1, -1e-3],
  [-1, 0.5, 2e-3],
  [0.1, 0.1, 0.1],
];
const RATES = [0.1, 0.05, 0.05, 0.02];

const vector = (values: readonly number[]) => tensor("float64", [3], Float64Array.from(values));
const scalar = (value: number) => tensor("float64", [], Float64Array.of(value));

/** The values after each update. */
function run(optimizer: Optimizer, weightDecay: number, rateScale: number, clipping = 1): number[][] {
  const graph = new Graph();
  const names = Object.keys(optimizer.scalars(1));
  const update = optimizer.update(
    graph.input("parameter", [3]),
    graph.input("gradient", [3]),
    optimizer.stateNames.map((name) => graph.input(name, [3])),
    {
      learningRate: graph.input("rate", []),
      gradientScale: clipping === 1 ? undefined : graph.input("clipping", []),
      extra: Object.fromEntries(names.map((name) => [name, graph.input(name, [])])),
    },
    { weightDecay, rateScale },
  );
  graph.output("next", update.parameter);
  for (const [i, state] of update.states.entries()) graph.output(`next.${i}`, state);
  let parameter = vector(START);
  let states = optimizer.stateNames.map(() => vector([0, 0, 0]));
  return GRADIENTS.map((gradient, step) => {
    const extra = Object.entries(optimizer.scalars(step + 1)).map(([name, value]) => [name, scalar(value)]);
    const inputs = {
      parameter,
      // What clipping will shrink again.
      gradient: vector(gradient.map((value) => value / clipping)),
      ...(clipping === 1 ? {} : { clipping: scalar(clipping) }),
      rate: scalar(RATES[step]!),
      ...Object.fromEntries(extra),
      ...Object.fromEntries(optimizer.stateNames.map((name, i) => [name, states[i]!])),
    };
    const outputs = interpret(graph, { inputs, parameters: new Map(), precision: "float64" });
    parameter = vector([...toFloat64(outputs.get("next")!)]);
    states = states.map((_, i) => vector([...toFloat64(outputs.get(`next.${i}`)!)]));
    return [...parameter.data].map(Number);
  });
}

/** After the second and the fourth update. `rateScale` halves the rates. Constants of a graph are float32, hence seven digits. */
const TORCH: readonly (readonly [string, Optimizer, number, number, readonly number[], readonly number[]])[] = [
  [
    "adamw",
    adamW(),
    0,
    1,
    [0.853391021239, -1.8866831486, 0.402632552622],
    [0.866065375949, -1.88311639936, 0.36590180452],
  ],
  [
    "adamw",
    adamW(),
    0.05,
    1,
    [0.846153521234, -1.8719581486, 0.399138800122],
    [0.855858136152, -1.86184729518, 0.361036975998],
  ],
  [
    "adamw",
    adamW(),
    0.05,
    0.5,
    [0.923011135618, -1.9359103243, 0.449505338186],
    [0.927731040905, -1.93074108392, 0.430359838717],
  ],
  ["sgd, nesterov", sgd(), 0, 1, [0.861, -1.634, 0.4998645], [0.929844, -1.649336, 0.495847608]],
  [
    "sgd, nesterov",
    sgd(),
    0.05,
    1,
    [0.845221375, -1.60334525, 0.491750465],
    [0.902703117852, -1.59735280597, 0.481470846762],
  ],
  [
    "sgd, nesterov",
    sgd(),
    0.05,
    0.5,
    [0.92248659375, -1.8011988125, 0.49586936625],
    [0.95089556692, -1.79719080712, 0.490708697241],
  ],
  [
    "sgd, heavy ball",
    sgd({ nesterov: false }),
    0.05,
    1,
    [0.9053875, -1.741025, 0.4950365],
    [0.918906009719, -1.70944252006, 0.487832880141],
  ],
  ["sgd, no momentum", sgd({ momentum: 0 }), 0, 1, [0.9375, -1.85, 0.49995], [0.9855, -1.877, 0.49785]],
  [
    "sgd, no momentum",
    sgd({ momentum: 0 }),
    0.05,
    0.5,
    [0.965034375, -1.91763125, 0.498101625],
    [0.98733366799, -1.92777034383, 0.49618028347],
  ],
];

test.each(TORCH)("%s with decay %3$s and rates times %4$s", (_, optimizer, decay, scale, second, fourth) => {
  const values = run(optimizer, decay, scale);
  for (let i = 0; i < 3; i++) {
    expect(values[1]![i]).toBeCloseTo(second[i]!, 7);
    expect(values[3]![i]).toBeCloseTo(fourth[i]!, 7);
  }
});

test.each([adamW(), sgd(), sgd({ momentum: 0 }), lion(), lamb(), kar3()])(
  "$name multiplies gradients by what clipping leaves of them",
  (optimizer) => {
    const plain = run(optimizer, 0.05, 1);
    const clipped = run(optimizer, 0.05, 1, 0.25);
    for (const [i, values] of plain.entries())
      for (const [j, value] of values.entries()) expect(clipped[i]![j]).toBeCloseTo(value, 7);
  },
);

test.each([
  [0, 1],
  [0.1, 0.5],
])("lion with decay %d and rates times %d: algorithm 2 of Chen et al.", (decay, scale) => {
  const values = run(lion({ beta1: 0.9, beta2: 0.99 }), decay, scale);
  const expected = [...START];
  const momentum = [0, 0, 0];
  GRADIENTS.forEach((gradient, step) => {
    const rate = RATES[step]! * scale;
    gradient.forEach((g, i) => {
      const direction = Math.sign(0.9 * momentum[i]! + 0.1 * g);
      expected[i]! -= rate * (direction + decay * expected[i]!);
      momentum[i] = 0.99 * momentum[i]! + 0.01 * g;
    });
    for (let i = 0; i < 3; i++) expect(values[step]![i]).toBeCloseTo(expected[i]!, 7);
  });
  if (decay === 0) expect(values[3]!.map((value) => Number(value.toFixed(7)))).toEqual([0.88, -2.02, 0.38]);
});

test.each([
  [0, 1],
  [0.1, 0.5],
])(
  "lamb with decay %d and rates times %d: algorithm 2 of You et al., tensors without decay as Adam",
  (decay, scale) => {
    const values = run(lamb(), decay, scale);
    const expected = [...START];
    const [mean, square] = [
      [0, 0, 0],
      [0, 0, 0],
    ];
    GRADIENTS.forEach((gradient, step) => {
      const rate = RATES[step]! * scale;
      const move = gradient.map((g, i) => {
        mean[i] = 0.9 * mean[i]! + 0.1 * g;
        square[i] = 0.999 * square[i]! + 0.001 * g * g;
        const unbiased = [mean[i] / (1 - 0.9 ** (step + 1)), square[i] / (1 - 0.999 ** (step + 1))] as const;
        return unbiased[0] / (Math.sqrt(unbiased[1]) + 1e-6) + decay * expected[i]!;
      });
      const trust = decay === 0 ? 1 : Math.hypot(...expected) / Math.hypot(...move);
      for (const [i, value] of move.entries()) expected[i]! -= rate * trust * value;
      for (let i = 0; i < 3; i++) expect(values[step]![i]).toBeCloseTo(expected[i]!, 6);
    });
  },
);

test.each([
  [0, 1],
  [0.1, 0.5],
])("kar3 with decay %d and rates times %d: averages move after the step", (decay, scale) => {
  const values = run(kar3(), decay, scale);
  const expected = [...START];
  const [short, long] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  GRADIENTS.forEach((gradient, step) => {
    const rate = RATES[step]! * scale;
    gradient.forEach((g, i) => {
      const direction = Math.sign(g) + Math.sign(short[i]!) + Math.sign(long[i]!);
      expected[i]! -= rate * (direction + decay * expected[i]!);
      short[i] = 0.5 * short[i]! + 0.5 * g;
      long[i] = 0.95 * long[i]! + 0.05 * g;
    });
    for (let i = 0; i < 3; i++) expect(values[step]![i]).toBeCloseTo(expected[i]!, 7);
  });
  // By hand, of the first value. Gradients 0.5, 0.25, -1, 0.1: signs +00, +++, -++, and +-- (the long average is 0.95 (0.95 * 0.025 + 0.0125) - 0.05 < 0).
  if (decay === 0) expect(values.map(([first]) => Number(first!.toFixed(7)))).toEqual([0.9, 0.75, 0.7, 0.72]);
});

test("states of a parameter: two for AdamW and Kar3, one for momentum and Lion, none without momentum", () => {
  expect([adamW(), kar3(), sgd(), lion(), sgd({ momentum: 0 })].map(({ stateNames }) => stateNames.length)).toEqual([
    2, 2, 1, 1, 0,
  ]);
});
