// What the numbers of an output are: scores that a softmax makes probabilities, or probabilities already. The graph tells by the operators that
// the output comes from. Whoever took probabilities for scores would put them through a second softmax, and answer 40 % where the model says 100 %.
import { FormatError } from "../errors.ts";
import { type OnnxNode, readNodes } from "./nodes.ts";

/**
 * - "logits": a softmax over the classes makes them probabilities
 * - "probabilities": of classes that exclude each other; they add up to 1
 * - "log-probabilities": natural logarithms of those
 * - "independent-logits": a sigmoid makes each a probability of its own; a picture may have several labels, or none
 * - "independent-probabilities": these probabilities
 */
export const SCORE_KINDS = [
  "logits",
  "probabilities",
  "log-probabilities",
  "independent-logits",
  "independent-probabilities",
] as const;
export type ScoreKind = (typeof SCORE_KINDS)[number];

export interface FoundScores {
  readonly kind: ScoreKind;
  /** What in the graph says so; undefined where nothing does, and the output is taken for logits. */
  readonly operator: string | undefined;
  /** Neither the graph nor anybody says it: what comes out must be looked at before it is believed. */
  readonly isGuess?: true;
}

/** Operators that change no value, or only its precision: what comes out is what went in. */
const PASSING = new Set([
  "Cast",
  "Clip",
  "DequantizeLinear",
  "Dropout",
  "Flatten",
  "Identity",
  "QuantizeLinear",
  "Reshape",
  "Squeeze",
  "Transpose",
  "Unsqueeze",
]);

const ENDS: Readonly<Record<string, ScoreKind>> = {
  Softmax: "probabilities",
  "com.microsoft.QLinearSoftmax": "probabilities",
  LogSoftmax: "log-probabilities",
  Sigmoid: "independent-probabilities",
  HardSigmoid: "independent-probabilities",
  "com.microsoft.QLinearSigmoid": "independent-probabilities",
};

/** Longer chains of operators that change nothing are nobody's. */
const MOST_STEPS = 100;

/**
 * What an output holds, found by going back from it through the graph.
 *
 * @param name of the model, for messages
 * @param rank dimensions of the output, where they are known
 * @throws FormatError for a softmax that compares pictures with each other, and not classes
 */
export function findScoreKind(bytes: Uint8Array, name: string, output: string, rank?: number): FoundScores {
  const producers = new Map<string, OnnxNode>();
  for (const node of readNodes(bytes)) for (const value of node.outputs) if (value !== "") producers.set(value, node);
  const { end, ...found } = new Head(producers).kindOf(output, MOST_STEPS);
  // PyTorch's default axis once was the wrong one for some shapes, so that such files exist.
  if (end?.op.endsWith("oftmax") && end.integers.get("axis") === 0 && rank !== undefined && rank > 1)
    throw new FormatError(name, `its ${end.op} is over the pictures of a batch (axis 0), and not over the classes`, {
      hint: "export the model again with a softmax over axis 1, or without one",
    });
  return found;
}

interface Found extends FoundScores {
  readonly end?: OnnxNode;
}

/** The end of a graph, walked from its outputs. */
class Head {
  constructor(readonly producers: ReadonlyMap<string, OnnxNode>) {}

  kindOf(output: string, steps: number): Found {
    let value = output;
    for (let left = steps; left > 0; left--) {
      const node = this.producers.get(value);
      if (node === undefined) break;
      const kind = Object.hasOwn(ENDS, node.op) ? ENDS[node.op] : undefined;
      if (kind !== undefined) return { kind, operator: node.op, end: node };
      if (node.op === "Log" && this.kindOf(node.inputs[0]!, left - 1).kind === "probabilities")
        return { kind: "log-probabilities", operator: "Softmax and Log" };
      if (this.#isSoftmaxInParts(node)) return { kind: "probabilities", operator: "Softmax in parts" };
      if (this.#isWithComplement(node, left - 1))
        return { kind: "probabilities", operator: "Sigmoid and its complement" };
      if (!PASSING.has(node.op)) break;
      value = node.inputs[0]!;
    }
    return { kind: "logits", operator: undefined, isGuess: true };
  }

  /** Older exporters write a softmax as exp(x) divided by the sum of exp(x). */
  #isSoftmaxInParts({ op, inputs }: OnnxNode): boolean {
    if (op !== "Div") return false;
    const [exponentials, sum] = inputs.map((input) => this.producers.get(input));
    return exponentials?.op === "Exp" && sum?.op === "ReduceSum" && sum.inputs[0] === inputs[0];
  }

  /** Two classes from one probability p: 1 - p and p, in either order. */
  #isWithComplement({ op, inputs }: OnnxNode, steps: number): boolean {
    const [first, second] = inputs;
    if (op !== "Concat" || inputs.length !== 2) return false;
    const isComplement = (value: string, other: string) => {
      const node = this.producers.get(value);
      return node?.op === "Sub" && node.inputs[1] === other;
    };
    const score = isComplement(first!, second!) ? second : isComplement(second!, first!) ? first : undefined;
    return score !== undefined && this.kindOf(score, steps).kind === "independent-probabilities";
  }
}
