// The same values from fewer rows. A head reads the mean of a picture's tokens, or one of them; the layers before it compute all. What treats every
// token alike may as well treat only what is read: the mean of a linear layer is the layer of the mean, and a token's perceptron needs no other
// token. So the mean, or the choice, moves up to where tokens meet.
import { add, gemm, reduceMean, reshape, slice, sub } from "./build.ts";
import { type Dim, multiplyDims, type Shape, shapesEqual } from "./dimensions.ts";
import { again, rewrite } from "./rewrite.ts";
import { ELEMENTWISE } from "./shape-rules/elementwise.ts";
import { type Graph, isOp, type Tensor } from "./tensor.ts";

/** A graph for the given outputs, the same numbers but for rounding. */
export function fewerRows(source: Graph, outputs: ReadonlyMap<string, Tensor>): Graph {
  const readers = new Map<Tensor, number>();
  for (const node of [...source.needed(outputs.values()).flatMap(({ inputs }) => inputs), ...outputs.values()])
    readers.set(node, (readers.get(node) ?? 0) + 1);
  const made = new Map<Tensor, Tensor>();
  return rewrite(source, outputs, (graph, node, inputs) => {
    node.inputs.forEach((input, i) => {
      made.set(input, inputs[i]!);
    });
    const pick = pickOf(node);
    if (pick === undefined) return undefined;
    const picked = new Picking(graph, pick, readers, made).of(node.inputs[0]!);
    return picked === undefined ? undefined : reshape(picked, node.shape);
  });
}

/** What is read of x (n, tokens, width). */
interface Pick {
  readonly n: Dim;
  readonly tokens: Dim;
  /** "mean", or the place of one token. */
  readonly what: "mean" | number;
}

function pickOf(node: Tensor): Pick | undefined {
  const [n, tokens] = (node.inputs[0]?.shape ?? []) as readonly Dim[];
  if (node.inputs[0]?.shape.length !== 3) return undefined;
  if (isOp(node, "reduceMean"))
    return node.attributes.axes.join() === "1" ? { n: n!, tokens: tokens!, what: "mean" } : undefined;
  if (!isOp(node, "slice")) return undefined;
  const { axes, starts, ends, steps } = node.attributes;
  const isOne = axes.length === 1 && axes[0] === 1 && ends[0] === starts[0]! + 1 && starts[0]! >= 0 && steps[0] === 1;
  return isOne ? { n: n!, tokens: tokens!, what: starts[0]! } : undefined;
}

/** Follows what is read upwards. */
class Picking {
  constructor(
    readonly graph: Graph,
    readonly pick: Pick,
    readonly readers: ReadonlyMap<Tensor, number>,
    readonly made: ReadonlyMap<Tensor, Tensor>,
  ) {}

  /** What is read of a node of the source, (n, width); undefined where no layer is spared by it. */
  of(node: Tensor): Tensor | undefined {
    if (this.readers.get(node) !== 1 || !this.#hasTokens(node.shape)) return undefined;
    const { inputs } = node;
    if (isOp(node, "reshape")) return this.of(inputs[0]!);
    if (isOp(node, "gemm")) return this.#layer(node);
    if (node.op === "add" || node.op === "sub") {
      const operands = inputs.map((input) => this.of(input));
      if (operands.every((operand) => operand === undefined)) return undefined;
      const [a, b] = inputs.map((input, i) => operands[i] ?? this.#operand(input, node.shape));
      return a === undefined || b === undefined ? undefined : (node.op === "add" ? add : sub)(a, b);
    }
    if (this.pick.what === "mean") return undefined;
    const isAlike = isOp(node, "layerNorm") || ELEMENTWISE.has(node.op);
    const above = isAlike ? this.of(inputs[0]!) : undefined;
    const rest = inputs.slice(1).map((input) => this.#operand(input, node.shape));
    if (above === undefined || rest.some((operand) => operand === undefined)) return undefined;
    return again(this.graph, node, [above, ...(rest as Tensor[])]);
  }

  /** A linear layer of what is read of its rows. */
  #layer(node: Tensor<"gemm"> & Tensor): Tensor | undefined {
    const { transposeA, transposeB } = node.attributes;
    const [x, weight, bias] = node.inputs as readonly [Tensor, Tensor, Tensor | undefined];
    const isVector = bias === undefined || bias.shape.length === 1;
    if (transposeA || !isVector || !this.#hasTokens(x.shape)) return undefined;
    const rows = this.of(x) ?? this.#read(x);
    return gemm(rows, this.made.get(weight)!, bias && this.made.get(bias)!, { transposeB });
  }

  /** The other operand of an op of shape `full`: what is read of it, or a vector or number that all rows share. */
  #operand(operand: Tensor, full: Shape): Tensor | undefined {
    if (shapesEqual(operand.shape, full)) return this.#read(operand);
    const isShared = operand.shape.slice(0, -1).every((size) => size === 1);
    const made = this.made.get(operand)!;
    return isShared ? reshape(made, operand.shape.slice(-1)) : undefined;
  }

  /** The mean or the token itself, taken here. */
  #read(node: Tensor): Tensor {
    const { n, tokens, what } = this.pick;
    const width = node.shape.at(-1)!;
    const all = reshape(this.made.get(node)!, [n, tokens, width]);
    return what === "mean" ? reduceMean(all, 1) : reshape(slice(all, 1, what, what + 1), [n, width]);
  }

  /** Whether rows are tokens: (n, tokens, width), or (n * tokens, width). */
  #hasTokens(shape: Shape): boolean {
    const { n, tokens } = this.pick;
    return shape.length === 3
      ? shape[0] === n && shape[1] === tokens
      : shape.length === 2 && shape[0] === multiplyDims(n, tokens);
  }
}
