// Gradients of sources, unary and binary ops.
import {
  abs,
  add,
  cast,
  cos,
  div,
  equal,
  exp,
  greater,
  greaterOrEqual,
  hardSigmoid,
  less,
  lessOrEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  normalCdf,
  pow,
  sigmoid,
  sign,
  sin,
  sub,
  where,
} from "../build.ts";
import type { BinaryOps, SourceOps, UnaryOps } from "../ops.ts";
import { isOp, type Tensor } from "../tensor.ts";
import { type GradientRule, type GradientRules, over, times, unbroadcast } from "./rule.ts";

export const sourceGradients: GradientRules<keyof SourceOps> = {
  input: "none",
  parameter: "none",
  constant: "none",
  size: "none",
  iota: "none",
};

type Slope = (x: Tensor, y: Tensor) => Tensor;

/** A rule from the derivative dy/dx, given x and y. */
function fromSlope<O extends keyof UnaryOps>(slope: Slope): GradientRule<O> {
  return (node, upstream) => [times(upstream, slope(node.inputs[0]!, node as unknown as Tensor))];
}

const ONE_OVER_SQRT_PI = 1 / Math.sqrt(Math.PI);

/**
 * cdf(x) + x pdf(x), with u = x / sqrt 2: cdf(x) + u / exp(u^2) / sqrt pi. Engines run this as one pass an op, so it is written with as few ops as
 * can be: the quotient saves a sign, and where the power overflows it is 0, as it should be.
 */
function geluSlope(x: Tensor): Tensor {
  const u = mul(x, Math.SQRT1_2);
  return add(normalCdf(x), mul(div(u, exp(mul(u, u))), ONE_OVER_SQRT_PI));
}

/** d/dx x s(a x) = s + a y (1 - s), with s = sigmoid(a x) and y = x s. */
function gatedSlope(x: Tensor, y: Tensor, steepness: number): Tensor {
  const s = sigmoid(times(x, steepness));
  return add(s, times(mul(y, sub(1, s)), steepness));
}

/** 1 where |x| < 3, else 0, times a factor. */
function withinThree(x: Tensor, factor: number): Tensor {
  const inside = less(abs(x), 3);
  return mul(cast(inside, x.dtype), factor);
}

export const unaryGradients: GradientRules<keyof UnaryOps> = {
  neg: (_, upstream) => [neg(upstream)],
  abs: fromSlope((x) => sign(x)),
  exp: fromSlope((_, y) => y),
  log: (node, upstream) => [over(upstream, node.inputs[0]!)],
  sqrt: (node, upstream) => [over(times(upstream, 0.5), node as unknown as Tensor)],
  sin: fromSlope((x) => cos(x)),
  cos: fromSlope((x) => neg(sin(x))),
  tanh: fromSlope((_, y) => sub(1, mul(y, y))),
  sigmoid: fromSlope((_, y) => mul(y, sub(1, y))),
  erf: fromSlope((x) => mul(exp(neg(mul(x, x))), 2 * ONE_OVER_SQRT_PI)),
  normalCdf: fromSlope((x) => mul(exp(mul(mul(x, x), -0.5)), Math.SQRT1_2 * ONE_OVER_SQRT_PI)),
  // From the result: what was before it is then of no use, and may be overwritten or never exist on its own.
  relu: fromSlope((_, y) => cast(greater(y, 0), y.dtype)),
  relu6: fromSlope((_, y) => mul(cast(greater(y, 0), y.dtype), cast(less(y, 6), y.dtype))),
  sign: "none",
  floor: "none",
  gelu: fromSlope(geluSlope),
  quickGelu: fromSlope((x, y) => gatedSlope(x, y, 1.702)),
  silu: fromSlope((x, y) => gatedSlope(x, y, 1)),
  hardSigmoid: fromSlope((x) => withinThree(x, 1 / 6)),
  hardSwish: fromSlope((x) => add(hardSigmoid(x), mul(withinThree(x, 1 / 6), x))),
  not: "none",
  cast: (node, upstream) => [cast(upstream, node.inputs[0]!.dtype)],
  stopGradient: "none",
  clampGradient: ({ attributes: { limit } }, upstream) => [minimum(maximum(upstream, -limit), limit)],
};

/** A rule for a broadcasting op from the gradients of both operands, each computed only when it is needed. */
function ofOperands<O extends keyof BinaryOps>(
  first: (upstream: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor,
  second: (upstream: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor,
): GradientRule<O> {
  return (node, upstream, needed) => {
    const [a, b] = node.inputs as readonly [Tensor, Tensor];
    const y = node as unknown as Tensor;
    return [
      needed[0] ? unbroadcast(first(upstream, a, b, y), a.shape) : undefined,
      needed[1] ? unbroadcast(second(upstream, a, b, y), b.shape) : undefined,
    ];
  };
}

/** The gradient where a condition holds, else 0: a product, which engines compute faster than a choice. */
const masked = (upstream: Tensor, condition: Tensor) => times(upstream, cast(condition, upstream.dtype));

/** b a^(b - 1); the square, the commonest power, without a power. */
function powSlope(a: Tensor, b: Tensor): Tensor {
  if (isOp(b, "constant") && b.dtype === "float32" && b.attributes.value.data.every((value) => Number(value) === 2))
    return mul(a, b);
  return mul(pow(a, sub(b, 1)), b);
}

export const binaryGradients: GradientRules<keyof BinaryOps> = {
  add: ofOperands(
    (g) => g,
    (g) => g,
  ),
  sub: ofOperands(
    (g) => g,
    (g) => neg(g),
  ),
  mul: ofOperands(
    (g, _, b) => times(g, b),
    (g, a) => times(g, a),
  ),
  div: ofOperands(
    (g, _, b) => over(g, b),
    (g, _, b, y) => neg(times(g, div(y, b))),
  ),
  pow: ofOperands(
    (g, a, b) => times(g, powSlope(a, b)),
    // a^b log a, which is 0 where a is 0 (and b positive), though log 0 is not.
    (g, a, _, y) => times(g, mul(y, log(where(equal(a, 0), 1, a)))),
  ),
  // Where both are equal the first operand takes the gradient, as PyTorch's clamp gives it to x in clamp(x, limit).
  maximum: ofOperands(
    (g, a, b) => masked(g, greaterOrEqual(a, b)),
    (g, a, b) => masked(g, less(a, b)),
  ),
  minimum: ofOperands(
    (g, a, b) => masked(g, lessOrEqual(a, b)),
    (g, a, b) => masked(g, greater(a, b)),
  ),
  equal: "none",
  less: "none",
  lessOrEqual: "none",
  greater: "none",
  greaterOrEqual: "none",
  and: "none",
  or: "none",
};
