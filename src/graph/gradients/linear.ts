// Gradients of matrix products, normalisations and reductions.
import {
  add,
  batchNorm as applyBatchNorm,
  layerNorm as applyLayerNorm,
  cast,
  div,
  equal,
  exp,
  expand,
  gemm,
  inverseDeviation,
  matMul,
  mul,
  neg,
  reduceSum,
  reshape,
  scalar,
  sqrt,
  sub,
  values,
} from "../build.ts";
import type { Dim } from "../dimensions.ts";
import type { LinearOps, NormalizationOps, ReductionOps } from "../ops.ts";
import type { Tensor } from "../tensor.ts";
import {
  countOf,
  fixedSize,
  type GradientRule,
  type GradientRules,
  keptShape,
  over,
  sumOver,
  times,
  unbroadcast,
} from "./rule.ts";

type Product = (a: Tensor, b: Tensor, options: { transposeA?: boolean; transposeB?: boolean }) => Tensor;
const gemmProduct: Product = (a, b, options) => gemm(a, b, undefined, options);

/** dA of Y = A B: G B^T, or where A came transposed, B G^T. */
function firstFactor(product: Product, g: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return transposeA
    ? product(b, g, { transposeA: transposeB, transposeB: true })
    : product(g, b, { transposeB: !transposeB });
}

/** dB of Y = A B: A^T G, or where B came transposed, G^T A. */
function secondFactor(product: Product, g: Tensor, a: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return transposeB
    ? product(g, a, { transposeA: true, transposeB: transposeA })
    : product(a, g, { transposeA: !transposeA });
}

const rowsOf = (x: Tensor) => reshape(x, [-1, x.shape.at(-1)!]);

export const linearGradients: GradientRules<keyof LinearOps> = {
  matMul: ({ inputs, attributes: { transposeA, transposeB } }, g, needed) => {
    const [a, b] = inputs as readonly [Tensor, Tensor];
    const first = () => unbroadcast(firstFactor(matMul, g, b, transposeA, transposeB), a.shape);
    const second = () => {
      // One matrix for a whole batch: the sum over the batch is one long product.
      if (b.shape.length === 2 && !transposeA)
        return secondFactor(gemmProduct, rowsOf(g), rowsOf(a), false, transposeB);
      return unbroadcast(secondFactor(matMul, g, a, transposeA, transposeB), b.shape);
    };
    return [needed[0] ? first() : undefined, needed[1] ? second() : undefined];
  },
  gemm: ({ inputs, attributes: { transposeA, transposeB } }, g, needed) => {
    const [a, b] = inputs as readonly [Tensor, Tensor];
    return [
      needed[0] ? firstFactor(gemmProduct, g, b, transposeA, transposeB) : undefined,
      needed[1] ? secondFactor(gemmProduct, g, a, transposeA, transposeB) : undefined,
      needed[2] ? sumOver(g, [0]) : undefined,
    ];
  },
};

/** x without its mean and deviation over the last axis. */
function standardised(x: Tensor, epsilon: number): Tensor {
  const width = fixedSize(x.shape.at(-1)!, "layerNorm");
  const ones = cast(values(x.graph, [width], new Float32Array(width).fill(1)), x.dtype);
  return applyLayerNorm(x, ones, undefined, epsilon);
}

/** dx = inverse * (s g - mean(s g) - normal * mean(s g normal)), s the scale. Both means are products with s / size. */
const layerNorm: GradientRule<"layerNorm"> = ({ inputs, attributes: { epsilon } }, upstream, needed) => {
  const [x, scale] = inputs as readonly [Tensor, Tensor];
  const g = rowsOf(upstream); // (rows, D)
  const normal = rowsOf(standardised(x, epsilon)); // (rows, D)
  const matched = times(g, normal); // (rows, D)
  const sumRows = (t: Tensor) => unbroadcast(t, scale.shape);
  const dx = () => {
    const share = reshape(mul(scale, 1 / fixedSize(scale.shape[0]!, "layerNorm")), [-1, 1]); // (D, 1)
    const centred = sub(times(g, scale), gemm(g, share)); // (rows, D)
    const sloped = sub(centred, mul(normal, gemm(matched, share))); // (rows, D)
    return reshape(mul(sloped, rowsOf(inverseDeviation(x, epsilon))), x.shape);
  };
  return [needed[0] ? dx() : undefined, needed[1] ? sumRows(matched) : undefined, needed[2] ? sumRows(g) : undefined];
};

/** -inverse^2 normal / size */
const inverseDeviationRule: GradientRule<"inverseDeviation"> = (node, g) => {
  const x = node.inputs[0]!;
  const inverse = node as unknown as Tensor; // (…, 1)
  const size = fixedSize(x.shape.at(-1)!, "inverseDeviation");
  const slope = mul(mul(inverse, inverse), -1 / size);
  return [mul(standardised(x, node.attributes.epsilon), times(g, slope))];
};

/**
 * y = (x - mean) * scale / sqrt(variance + epsilon) + bias. Running statistics are operands like any other. Those of the batch depend on x:
 *   dx = factor * (g - mean(g) - (x - mean) * inverse^2 * mean(g * (x - mean)))
 * which is g and x, each times a number a channel, and a number a channel: three passes over the map, where the gradients of mean and variance one by
 * one take seven.
 */
const batchNorm: GradientRule<"batchNorm"> = ({ inputs, attributes: { epsilon, ofBatch } }, g, needed) => {
  const [x, scale, , mean, variance] = inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor];
  const perChannel = (t: Tensor) => reshape(t, [1, t.shape[0]!, ...x.shape.slice(2).map((): Dim => 1)]); // (1, C, 1, …)
  const others = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const inverse = div(1, sqrt(add(variance, epsilon))); // (C)
  const factor = mul(scale, inverse); // (C)
  const sum = sumOver(g, others); // (C)
  const covariance = sumOver(times(g, sub(x, perChannel(mean))), others); // (C)
  const scaled = () => times(g, perChannel(factor));
  const throughStatistics = () => {
    const share = div(neg(factor), countOf(x.graph, [x.shape[0]!, ...x.shape.slice(2)], x.dtype)); // (C)
    const slope = mul(mul(share, mul(inverse, inverse)), covariance); // (C)
    const one = expand(scalar(x.graph, 1, x.dtype), slope.shape);
    return applyBatchNorm(x, slope, mul(share, sum), mean, one, 0); // (x - mean) * slope + share * sum
  };
  return [
    needed[0] ? (ofBatch ? add(scaled(), throughStatistics()) : scaled()) : undefined,
    needed[1] ? mul(covariance, inverse) : undefined,
    needed[2] ? sum : undefined,
    needed[3] && !ofBatch ? neg(mul(sum, factor)) : undefined,
    needed[4] && !ofBatch ? mul(mul(covariance, mul(factor, mul(inverse, inverse))), -0.5) : undefined,
  ];
};

export const normalizationGradients: GradientRules<keyof NormalizationOps> = {
  // y * (g - sum(g y))
  softmax: (node, g) => {
    const y = node as unknown as Tensor;
    return [mul(sub(g, reduceSum(times(g, y), node.attributes.axis, { keepDims: true })), y)];
  },
  // g - softmax * sum(g)
  logSoftmax: (node, g) => {
    const y = node as unknown as Tensor;
    return [sub(g, mul(exp(y), reduceSum(g, node.attributes.axis, { keepDims: true })))];
  },
  layerNorm,
  inverseDeviation: inverseDeviationRule,
  batchNorm,
};

/** The reduced dimensions back as 1, so that the gradient broadcasts. */
function kept(g: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return reshape(g, keptShape(x.shape, axes));
}

export const reductionGradients: GradientRules<keyof ReductionOps> = {
  reduceSum: ({ inputs: [x], attributes: { axes } }, g) => [expand(kept(g, x!, axes), x!.shape)],
  reduceMean: ({ inputs: [x], attributes: { axes } }, g) => {
    const count = countOf(
      x!.graph,
      axes.map((axis) => x!.shape[axis]!),
      x!.dtype,
    );
    const share = typeof count === "number" ? times(g, 1 / count) : over(g, count);
    return [expand(kept(share, x!, axes), x!.shape)];
  },
  // Equal maxima share the gradient, as in PyTorch's amax.
  reduceMax: (node, g) => {
    const x = node.inputs[0]!;
    const { axes } = node.attributes;
    const top = cast(equal(x, kept(node as unknown as Tensor, x, axes)), x.dtype); // x's shape, 1 at maxima
    const share = over(kept(g, x, axes), reduceSum(top, axes, { keepDims: true }));
    return [mul(top, share)];
  },
  argMax: "none",
};
