// Classification as an objective: the model's answers against the targets, and perhaps against a teacher.
import { add, mul } from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { linear } from "../nn/linear.ts";
import { binaryCrossEntropy, distillation, featureDistillation, softCrossEntropy } from "./losses.ts";
import type { Objective } from "./objective.ts";

/** What the student learns from a teacher, besides the labels. */
export interface DistillationOptions {
  /**
   * "logits": `teacher` is (batch, classes) logits. "features": (batch, width) features. Those of another width than the student's are compared
   * with a linear map of the student's, which is learnt with it and is no part of the model.
   */
  readonly kind: "logits" | "features";
  /** Of the teacher's features. Default: the student's. */
  readonly width?: number;
  /** Share of this loss; the labels' loss has the rest. */
  readonly weight: number;
  /** For logits. */
  readonly temperature: number;
}

export interface ClassificationOptions {
  readonly loss: "cross_entropy" | "binary_cross_entropy";
  readonly distillation?: DistillationOptions;
  /** Share of the loss that early answers (outputs `exit.N.logits`) have in equal parts; the last answer has the rest. Default 0. */
  readonly exitWeight?: number;
}

/** The model's logits against the targets, and perhaps against a teacher; early answers against the same. */
export function classification(options: ClassificationOptions): Objective {
  return ({ scope, model, image, targets, mode }) => {
    const { graph } = scope;
    const outputs = model.architecture.build(scope, image, model.config, mode);
    const logits = outputs.logits!;
    const taught = taughtLoss(options, outputs, scope.at(PROJECTION));
    const answerLoss = (answer: Tensor) => {
      const labelLoss = (options.loss === "cross_entropy" ? softCrossEntropy : binaryCrossEntropy)(answer, targets);
      const weight = options.distillation?.weight ?? 0;
      return taught === undefined ? labelLoss : add(mul(labelLoss, 1 - weight), mul(taught(answer), weight));
    };
    const exitWeight = options.exitWeight ?? 0;
    const exits = Object.keys(outputs).filter((name) => /^exit\.\d+\.logits$/.test(name));
    const answers = {
      logits,
      auxiliary: [...graph.parameters.keys()].filter((name) => name.startsWith(`${PROJECTION}.`)),
    };
    if (exitWeight === 0 || exits.length === 0) return { ...answers, loss: answerLoss(logits) };
    const early = exits.map((name) => answerLoss(outputs[name]!)).reduce((sum, loss) => add(sum, loss));
    return { ...answers, loss: add(mul(answerLoss(logits), 1 - exitWeight), mul(early, exitWeight / exits.length)) };
  };
}

/** Of the linear map from the student's features to the teacher's. */
const PROJECTION = "distillation.projection";

/** How far an answer is from the teacher's; a teacher of features judges all answers by the features. */
function taughtLoss(
  { distillation: teaching }: ClassificationOptions,
  outputs: Readonly<Record<string, Tensor>>,
  projection: Scope,
) {
  if (teaching === undefined) return undefined;
  if (teaching.kind === "logits") {
    const teacher = projection.graph.input("teacher", outputs.logits!.shape);
    return (answer: Tensor) => distillation(answer, teacher, teaching.temperature);
  }
  const features = outputs.features!; // (batch, student's width)
  const [batch, own] = features.shape;
  const width = teaching.width ?? own!;
  const student = width === own ? features : linear(projection, features, Number(width));
  const loss = featureDistillation(student, projection.graph.input("teacher", [batch!, width]));
  return () => loss;
}
