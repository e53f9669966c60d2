// A learnt head as a graph: features of pictures to `logits` and, where it was learnt to say so, to `unknown`. Written once, for models of this
// library and for what is joined to an ONNX file; so it keeps to ops that are the same in every operator set (onnx/join.ts).
import {
  abs,
  add,
  argMax,
  cast,
  div,
  equal,
  gatherElements,
  iota,
  log,
  logSoftmax,
  matMul,
  maximum,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  sign,
  slice,
  softmax,
  sqrt,
  sub,
  where,
} from "../../graph/build.ts";
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { affine } from "../../nn/linear.ts";
import type { Distance, LearntHead, NeighboursHead, UnknownRule } from "./head.ts";

/** What a head says of a batch. */
export interface HeadOutputs {
  /** (N, classes) */
  readonly logits: Tensor;
  /** (N): above 0 the picture is none of the classes. */
  readonly unknown?: Tensor;
}

const ZEROS = { kind: "zeros" } as const;
/** Below it a length is taken for it, so that nothing is divided by zero. */
const SHORTEST = 1e-12;
/** Farther than everything: what was found already. */
const NEVER = -1e30;

/**
 * What a head reads of a layer: one vector a picture.
 *
 * @param value (N, width), tokens (N, tokens, width) or a map (N, channels, h, w)
 * @returns (N, width)
 */
export function pooledFeatures(value: Tensor, { pooling, width }: LearntHead): Tensor {
  const [batch, ...sizes] = value.shape as [Dim, ...Dim[]];
  if (pooling === "none" || sizes.length < 2) return reshape(value, [batch, width]);
  // (N, width, places), or for tokens (N, places, width)
  const isMap = sizes.length > 2;
  const grouped = isMap ? reshape(value, [batch, sizes[0]!, multiplyDims(1, ...sizes.slice(1))]) : value;
  const axis = isMap ? 2 : 1;
  const places = grouped.shape[axis]!;
  const pooled =
    pooling === "first"
      ? slice(grouped, axis, 0, 1)
      : pooling === "max"
        ? gatherElements(grouped, argMax(grouped, axis, { keepDims: true }), axis)
        : typeof places === "number"
          ? div(reduceSum(grouped, axis), places)
          : reduceMean(grouped, axis);
  return reshape(pooled, [batch, width]);
}

/** @param features (N, width), as the model gives them */
export function learntHead(scope: Scope, features: Tensor, head: LearntHead): HeadOutputs {
  return scope.run(() => {
    const powered = head.power ? mul(sign(features), sqrt(abs(features))) : features;
    const x = head.normalize ? unitRows(powered) : powered; // (N, width)
    const stored = new StoredExamples(scope, head, x);
    const decisions = head.kind === "linear" ? linearDecisions(scope, x, head) : voteDecisions(scope, stored, head);
    const logits = mul(decisions, head.scale);
    if (head.unknown === undefined) return { logits };
    return {
      logits,
      unknown: sub(strangeness(scope, { x, logits, stored }, head, head.unknown), head.unknown.threshold),
    };
  });
}

function linearDecisions(scope: Scope, x: Tensor, { classes, width }: LearntHead): Tensor {
  const weight = scope.parameter("weight", [classes, width], ZEROS);
  return affine(x, weight, scope.parameter("bias", [classes], ZEROS)); // (N, classes)
}

/** The logarithm of each class's share of votes, so that a softmax gives the shares; a class without one has a millionth of a vote. */
function voteDecisions(scope: Scope, stored: StoredExamples, { k, metric, classes, examples }: NeighboursHead): Tensor {
  const targets = scope.buffer("targets", [examples ?? 0], ZEROS, "int64");
  const isOf = cast(equal(reshape(targets, [examples ?? 0, 1]), iota(scope.graph, classes, "int64")), "float32");
  const { chosen } = stored.nearest(metric, k);
  const votes = matMul(chosen, isOf); // (N, classes)
  return log(div(add(votes, VOTE_FLOOR), k + classes * VOTE_FLOOR));
}

/** Of a vote, what every class has beside its own. */
export const VOTE_FLOOR = 1e-6;

interface Seen {
  readonly x: Tensor;
  readonly logits: Tensor;
  readonly stored: StoredExamples;
}

/** (N): how strange each row is, as the rule measures it. */
function strangeness(scope: Scope, { x, logits, stored }: Seen, head: LearntHead, rule: UnknownRule): Tensor {
  switch (rule.score) {
    case "probability":
      return sub(1, largest(softmax(logits)));
    case "energy": {
      // Of any class, its score less the logarithm of its probability is the logarithm of the sum over all.
      const best = argMax(logits, 1, { keepDims: true });
      return neg(row(sub(gatherElements(logits, best, 1), gatherElements(logSoftmax(logits), best, 1))));
    }
    case "neighbours":
      return stored.farthestOf(rule.k ?? 1);
    case "mahalanobis":
      return mahalanobis(scope, x, head);
  }
}

/** The squared Mahalanobis distance to the nearest class mean: an ordinary one, where a matrix has made the classes round. */
function mahalanobis(scope: Scope, x: Tensor, { classes, width }: LearntHead): Tensor {
  const whitening = scope.parameter("whitening", [width, width], ZEROS);
  const centres = scope.parameter("centres", [classes, width], ZEROS); // whitened
  const round = affine(x, whitening, undefined); // (N, width)
  return neg(largest(neg(squaredDistances(round, centres))));
}

/** Examples that rows are compared with, declared when something asks for them. */
class StoredExamples {
  constructor(
    private readonly scope: Scope,
    private readonly head: LearntHead,
    private readonly x: Tensor,
  ) {}

  /** (N): Euclidean distances of rows to their k-th nearest examples, all of length 1. */
  farthestOf(k: number): Tensor {
    // Between vectors of length 1, |a - b|² = 2 - 2 ab.
    return sqrt(maximum(mul(sub(1, this.nearest("cosine", k).nearness), 2), 0));
  }

  /** `chosen` (N, examples): 1 for the k nearest. `nearness` (N): of the last of them. Of equally near ones, the first in the list. */
  nearest(metric: Distance, k: number): { readonly chosen: Tensor; readonly nearness: Tensor } {
    const { scope, x, head } = this;
    const count = head.examples ?? 0;
    const examples = scope.parameter("examples", [count, head.width], ZEROS);
    // (N, examples), larger is nearer
    const near =
      metric === "cosine" ? affine(unitRows(x), unitRows(examples), undefined) : neg(squaredDistances(x, examples));
    const places = reshape(iota(scope.graph, count, "int64"), [1, count]);
    let left = near;
    let chosen: Tensor | undefined;
    let last: Tensor | undefined;
    for (let found = 0; found < k; found++) {
      last = argMax(left, 1, { keepDims: true }); // (N, 1)
      const isLast = equal(last, places); // (N, examples)
      left = where(isLast, NEVER, left);
      const one = cast(isLast, "float32");
      chosen = chosen === undefined ? one : add(chosen, one);
    }
    return { chosen: chosen!, nearness: row(gatherElements(near, last!, 1)) };
  }
}

/** (N, M) between rows of (N, D) and rows of (M, D). */
function squaredDistances(a: Tensor, b: Tensor): Tensor {
  const squaresOfA = reduceSum(mul(a, a), 1, { keepDims: true }); // (N, 1)
  const squaresOfB = reduceSum(mul(b, b), 1); // (M)
  return maximum(add(sub(squaresOfA, mul(affine(a, b, undefined), 2)), squaresOfB), 0);
}

/** Rows of length 1. */
function unitRows(x: Tensor): Tensor {
  return div(x, maximum(sqrt(reduceSum(mul(x, x), 1, { keepDims: true })), SHORTEST));
}

/** The largest of each row. Not a maximum over the axis: its form has changed between operator sets. */
function largest(x: Tensor): Tensor {
  return row(gatherElements(x, argMax(x, 1, { keepDims: true }), 1));
}

/** (N, 1) -> (N) */
function row(x: Tensor): Tensor {
  return reshape(x, [x.shape[0]!]);
}
