// Matrix products, normalisations and reductions.
import * as g from "../../src/graph/build.ts";
import type { Shape } from "../../src/graph/dimensions.ts";
import type { GraphDType, LinearOps, NormalizationOps, ReductionOps } from "../../src/graph/ops.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { cases, dynamic3, FLOATS, NUMERIC, type OpCase, type OpCases, x } from "./case.ts";

function matMulCases(): OpCase[] {
  const layouts: [string, Shape, Shape][] = [
    ["matrices", [3, 4], [4, 5]],
    ["batches", ["batch", 6, 3, 4], ["batch", 6, 4, 5]],
    ["one matrix for all", ["batch", 3, 4], [4, 5]],
    ["one matrix first", [3, 4], ["batch", 4, 5]],
    ["broadcast batches", ["batch", 1, 3, 4], [2, 4, 5]],
    ["free rows", ["tokens", 4], [4, "width"]],
  ];
  const turn = (shape: Shape) => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  return layouts.flatMap(([title, a, b]) =>
    [false, true].flatMap((transposeA) =>
      [false, true].map(
        (transposeB): OpCase => ({
          title: `${title}${transposeA ? ", first transposed" : ""}${transposeB ? ", second transposed" : ""}`,
          inputs: { a: { shape: transposeA ? turn(a) : a }, b: { shape: transposeB ? turn(b) : b } },
          build: ({ a, b }) => g.matMul(a!, b!, { transposeA, transposeB }),
        }),
      ),
    ),
  );
}

function gemmCases(): OpCase[] {
  return [false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB) =>
      [false, true].map(
        (biased): OpCase => ({
          title: `${transposeA ? "first transposed, " : ""}${transposeB ? "second transposed, " : ""}${biased ? "bias" : "no bias"}`,
          inputs: {
            a: { shape: transposeA ? [4, "tokens"] : ["tokens", 4] },
            b: { shape: transposeB ? [5, 4] : [4, 5] },
            ...(biased ? { bias: { shape: [5] } } : {}),
          },
          build: ({ a, b, bias }) => g.gemm(a!, b!, bias, { transposeA, transposeB }),
        }),
      ),
    ),
  );
}

function reductionCases(
  op: (x: Tensor, axes: number | readonly number[], options?: { keepDims?: boolean }) => Tensor,
  dtypes: readonly GraphDType[],
): OpCase[] {
  return dtypes.flatMap((dtype) =>
    ([[0], [1, 2], [-1], [0, 1, 2], []] as const).flatMap((axes) =>
      [false, true].map(
        (keepDims): OpCase => ({
          title: `${dtype}, axes ${axes.join(" ") || "none"}${keepDims ? ", kept" : ""}`,
          inputs: x(["batch", 3, "width"], dtype),
          build: ({ x }) => op(x!, axes, { keepDims }),
        }),
      ),
    ),
  );
}

export const linearCases: OpCases<keyof LinearOps | keyof NormalizationOps | keyof ReductionOps> = {
  matMul: cases(matMulCases()),
  gemm: cases(gemmCases()),
  softmax: cases(
    [0, 1, -1].map((axis) => ({ title: `axis ${axis}`, inputs: x(dynamic3), build: ({ x }) => g.softmax(x!, axis) })),
  ),
  logSoftmax: cases(
    [0, -1].map((axis) => ({ title: `axis ${axis}`, inputs: x(dynamic3), build: ({ x }) => g.logSoftmax(x!, axis) })),
  ),
  layerNorm: [
    {
      title: "with bias",
      inputs: { ...x(["batch", "tokens", 8]), scale: { shape: [8] }, bias: { shape: [8] } },
      build: ({ x, scale, bias }) => g.layerNorm(x!, scale!, bias!, 1e-5),
    },
    {
      title: "without bias",
      inputs: { ...x(["batch", 8]), scale: { shape: [8] } },
      build: ({ x, scale }) => g.layerNorm(x!, scale!, undefined, 1e-6),
    },
  ],
  inverseDeviation: cases([
    {
      title: "beside the normalisation",
      inputs: { ...x(["batch", "tokens", 8]), scale: { shape: [8] } },
      build: ({ x, scale }) => g.mul(g.layerNorm(x!, scale!, undefined, 1e-5), g.inverseDeviation(x!, 1e-5)),
    },
    { title: "alone", inputs: x(["batch", 8]), build: ({ x }) => g.inverseDeviation(x!, 1e-6) },
  ]),
  batchNorm: cases([
    ...[
      ["batch", 4, "height", "width"],
      ["batch", 4],
      ["batch", 4, 3],
      [1, 4, 2, 3, 3],
    ].map(
      (shape): OpCase => ({
        title: `rank ${shape.length}`,
        inputs: {
          ...x(shape),
          scale: { shape: [4] },
          bias: { shape: [4] },
          mean: { shape: [4] },
          variance: { shape: [4], low: 0.2, high: 2 },
        },
        build: ({ x, scale, bias, mean, variance }) => g.batchNorm(x!, scale!, bias!, mean!, variance!, 1e-5),
      }),
    ),
    ...[
      ["batch", 4, "height", "width"],
      ["batch", 4],
      [3, 4, 2, 3, 3],
    ].map(
      (shape): OpCase => ({
        title: `rank ${shape.length}, statistics of the batch`,
        inputs: { ...x(shape), scale: { shape: [4] }, bias: { shape: [4] } },
        build: ({ x, scale, bias }) => {
          const others = shape.flatMap((_, i) => (i === 1 ? [] : [i]));
          const mean = g.reduceMean(x!, others);
          const centred = g.sub(x!, g.reshape(mean, [1, 4, ...shape.slice(2).map(() => 1)]));
          const variance = g.reduceMean(g.mul(centred, centred), others);
          return g.batchNorm(x!, scale!, bias!, mean, variance, 1e-2, { ofBatch: true });
        },
      }),
    ),
  ]),
  reduceSum: cases(reductionCases(g.reduceSum, NUMERIC)),
  reduceMean: cases(reductionCases(g.reduceMean, FLOATS)),
  reduceMax: cases(reductionCases(g.reduceMax, NUMERIC)),
  argMax: cases(
    [...NUMERIC, "bool" as const].flatMap((dtype) =>
      [0, 1, 2].flatMap((axis) =>
        [false, true].map((keepDims) => ({
          title: `${dtype}, axis ${axis}${keepDims ? ", kept" : ""}`,
          inputs: x(dynamic3, dtype),
          build: ({ x }: Readonly<Record<string, Tensor>>) => g.argMax(x!, axis, { keepDims }),
        })),
      ),
    ),
  ),
};
