// Losses over graph tensors: each gives a scalar, the mean over the batch.
import {
  abs,
  add,
  div,
  exp,
  log,
  logSoftmax,
  maximum,
  mul,
  neg,
  reduceMean,
  reduceSum,
  relu,
  softmax,
  sqrt,
  stopGradient,
  sub,
} from "../graph/build.ts";
import type { Tensor } from "../graph/tensor.ts";

/** Cross-entropy with soft targets. logits and targets (batch, classes), targets sum to 1 a row. */
export function softCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return neg(reduceMean(reduceSum(mul(targets, logSoftmax(logits)), 1), 0));
}

/** Binary cross-entropy of every class on its own, as timm's BCE for soft targets. logits and targets (batch, classes). */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  // max(x, 0) - x t + log(1 + exp(-|x|)): never overflows.
  const stable = add(sub(relu(logits), mul(logits, targets)), log(add(exp(neg(abs(logits))), 1)));
  return reduceMean(stable, [0, 1]);
}

/** Hinton et al. 2015: KL divergence from the teacher's softened answers, times temperature squared. Both (batch, classes) logits. */
export function distillation(logits: Tensor, teacherLogits: Tensor, temperature: number): Tensor {
  const teacher = stopGradient(softmax(mul(teacherLogits, 1 / temperature)));
  const entropy = reduceSum(mul(teacher, log(maximum(teacher, 1e-12))), 1);
  const cross = reduceSum(mul(teacher, logSoftmax(mul(logits, 1 / temperature))), 1);
  return mul(reduceMean(sub(entropy, cross), 0), temperature * temperature);
}

/** Mean squared distance of directions: 2 - 2 cos(student, teacher). Both (batch, width). */
export function featureDistillation(features: Tensor, teacherFeatures: Tensor): Tensor {
  const unit = (x: Tensor) => div(x, norm(x));
  return reduceMean(sub(2, mul(reduceSum(mul(unit(features), stopGradient(unit(teacherFeatures))), 1), 2)), 0);
}

function norm(x: Tensor): Tensor {
  return sqrt(add(reduceSum(mul(x, x), 1, { keepDims: true }), 1e-12));
}
