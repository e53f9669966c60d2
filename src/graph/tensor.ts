// Symbolic tensors and the graph that owns them. A tensor is one op applied to tensors: the graph is a list in execution order, and two
// identical applications are one tensor (common subexpressions cost nothing).
import { SaccadeError } from "../errors.ts";
import { type Dim, evaluateDim, printShape, type Shape } from "./dimensions.ts";
import type { Initializer } from "./initializers.ts";
import type { GraphDType, Op, OpAttributes } from "./ops.ts";
import { shapeRules } from "./shape-rules/index.ts";

/** A value that a graph will compute. Immutable. */
export interface Tensor<O extends Op = Op> {
  readonly graph: Graph;
  /** Position in `graph.nodes`. Inputs always have smaller ids. */
  readonly id: number;
  readonly op: O;
  readonly inputs: readonly Tensor[];
  readonly attributes: OpAttributes[O];
  readonly shape: Shape;
  readonly dtype: GraphDType;
  /** Where in the model it was made: a parameter path such as "layers.0.attn". */
  readonly path: string;
}

/** A named weight that a graph declares. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: GraphDType;
  readonly initializer: Initializer;
  /** false for running statistics and other state that gradients do not touch. */
  readonly trainable: boolean;
  readonly tensor: Tensor<"parameter">;
}

/** What a shape rule answers. */
export interface Inferred {
  readonly shape: Shape;
  readonly dtype: GraphDType;
}

/** Nodes in execution order, declared inputs and parameters, and the outputs that were chosen. */
export class Graph {
  readonly nodes: Tensor[] = [];
  readonly inputs = new Map<string, Tensor<"input">>();
  readonly parameters = new Map<string, Parameter>();
  readonly outputs = new Map<string, Tensor>();
  /** Values on the way that have a name (Scope.layer), or how they are made from what is there. */
  readonly layers = new Map<string, Tensor | (() => Tensor)>();
  /** Named sizes that no input has, because a run decides them (takeFirst): what counts them, and the most that they can be. */
  readonly decidedSizes = new Map<string, { readonly count: Tensor; readonly most: Dim }>();
  /** Path recorded on new nodes; set by Scope while a layer runs. */
  currentPath = "";
  readonly #seen = new Map<string, Tensor>();

  /** Adds (or finds) the application of an op. Shape rules run here, so a mistake surfaces at the line that made it. */
  apply<O extends Op>(op: O, inputs: readonly Tensor[], attributes: OpAttributes[O]): Tensor<O> {
    for (const input of inputs)
      if (input.graph !== this) throw new SaccadeError("graph", `${op}: tensors of two different graphs cannot meet`);
    const key = nodeKey(op, inputs, attributes);
    const known = key === undefined ? undefined : this.#seen.get(key);
    if (known !== undefined) return known as Tensor<O>;
    const { shape, dtype } = shapeRules[op](inputs, attributes, { op, path: this.currentPath });
    const node: Tensor<O> = {
      graph: this,
      id: this.nodes.length,
      op,
      inputs,
      attributes,
      shape,
      dtype,
      path: this.currentPath,
    };
    if (isOp(widen(node), "takeFirst")) this.#decide(widen(node) as Tensor<"takeFirst"> & Tensor);
    // A Tensor<O> is a Tensor: the union over all ops; TypeScript cannot see it through the mapped attribute type.
    this.nodes.push(node as unknown as Tensor);
    if (key !== undefined) this.#seen.set(key, node as unknown as Tensor);
    return node;
  }

  /** Declares (or finds) a value fed at every run. */
  input(name: string, shape: Shape, dtype: GraphDType = "float32"): Tensor {
    const known = this.inputs.get(name);
    if (known !== undefined) {
      if (known.dtype !== dtype || printShape(known.shape) !== printShape(shape))
        throw new SaccadeError("graph", `input "${name}" was declared twice with different types`);
      return widen(known);
    }
    const node = this.apply("input", [], { name, shape, dtype });
    this.inputs.set(name, node);
    return widen(node);
  }

  /** Declares (or finds) a named weight. Asking twice for one name gives one tensor: that is how layers share weights. */
  parameter(
    name: string,
    shape: readonly number[],
    initializer: Initializer,
    options: { trainable?: boolean; dtype?: GraphDType } = {},
  ): Tensor {
    const dtype = options.dtype ?? "float32";
    const known = this.parameters.get(name);
    if (known !== undefined) {
      if (known.dtype !== dtype || printShape(known.shape) !== printShape(shape))
        throw new SaccadeError(
          "graph",
          `parameter "${name}" was declared as ${known.dtype}${printShape(known.shape)} and again as ${dtype}${printShape(shape)}`,
        );
      return widen(known.tensor);
    }
    const tensor = this.apply("parameter", [], { name, shape, dtype });
    this.parameters.set(name, { name, shape, dtype, initializer, trainable: options.trainable ?? true, tensor });
    return widen(tensor);
  }

  /** Names a tensor as a result of the graph. */
  output(name: string, value: Tensor): void {
    if (this.outputs.has(name)) throw new SaccadeError("graph", `output "${name}" was declared twice`);
    this.outputs.set(name, value);
  }

  /** One name is one size: what is cut to it is cut by one count. */
  #decide({ inputs: [x, count], attributes: { axis, size } }: Tensor<"takeFirst">): void {
    const known = this.decidedSizes.get(size);
    if (known !== undefined && known.count !== count)
      throw new SaccadeError("graph", `takeFirst: "${size}" is already the name of what another count decides`, {
        hint: "give each count a name of its own",
      });
    if (known === undefined) this.decidedSizes.set(size, { count: count!, most: x!.shape[axis]! });
  }

  /** The nodes that the given outputs (default: all) need, in execution order. */
  needed(outputs: Iterable<Tensor> = this.outputs.values()): Tensor[] {
    const wanted = new Set<number>();
    const stack = [...outputs];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (wanted.has(node.id)) continue;
      wanted.add(node.id);
      stack.push(...node.inputs);
    }
    return this.nodes.filter((node) => wanted.has(node.id));
  }
}

/** Every named size of a graph: those given, and those that a run decides, which are taken for the most they can be. */
export function largestSizes(graph: Graph, given: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const sizes = new Map(given);
  for (const [name, { most }] of graph.decidedSizes) if (!sizes.has(name)) sizes.set(name, evaluateDim(most, sizes));
  return sizes;
}

/** A tensor whose op is forgotten. */
export function widen<O extends Op>(node: Tensor<O>): Tensor {
  return node as unknown as Tensor;
}

/** True when a tensor was made by the given op; narrows its attributes. */
export function isOp<O extends Op>(node: Tensor, op: O): node is Tensor<O> & Tensor {
  return (node.op as Op) === op;
}

/** Text that is equal exactly for equal applications; undefined for constants too large to compare cheaply. */
function nodeKey<O extends Op>(op: O, inputs: readonly Tensor[], attributes: OpAttributes[O]): string | undefined {
  if (op === "constant") {
    const { value } = attributes as OpAttributes["constant"];
    if (value.data.length > 16) return undefined;
    return `constant ${value.dtype} ${value.shape.join(",")} ${Array.from(value.data as ArrayLike<number | bigint>, (x) => (Object.is(x, -0) ? "-0" : String(x))).join(",")}`;
  }
  return `${op} ${inputs.map((input) => input.id).join(",")} ${textOf(attributes)}`;
}

/** As JSON, but for numbers that JSON has not; JSON.stringify takes several times as long where it has to ask about them. */
function textOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (typeof value !== "object" || value === null) return String(value);
  let text = "";
  for (const [name, field] of Object.entries(value)) if (field !== undefined) text += `${name}:${textOf(field)},`;
  return `{${text}}`;
}
