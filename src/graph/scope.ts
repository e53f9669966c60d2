// Where a layer stands in its model: the path that prefixes its parameters. The path is the official checkpoint's key, never translated.
import type { Dim } from "./dimensions.ts";
import type { Initializer } from "./initializers.ts";
import type { GraphDType } from "./ops.ts";
import { Graph, type Tensor } from "./tensor.ts";

/** What a place hands on to all places below it. */
interface Surroundings {
  readonly layerForm?: (value: Tensor) => Tensor;
  readonly visible?: Tensor;
}

export class Scope {
  constructor(
    readonly graph: Graph,
    readonly path = "",
    private readonly surroundings: Surroundings = {},
  ) {}

  /** The scope of a child: `scope.at("attn", "qkv")`. */
  at(...names: (string | number)[]): Scope {
    return new Scope(this.graph, [this.path, ...names].filter((name) => name !== "").join("."), this.surroundings);
  }

  /** The same place, whose layers become what `form` makes of them when somebody asks: one map a clip of the maps of its frames, say. */
  withLayers(form: (value: Tensor) => Tensor): Scope {
    return new Scope(this.graph, this.path, { ...this.surroundings, layerForm: form });
  }

  /**
   * The same place, whose layers look at a part of each picture only: `visible` (N, 1, rows, columns) is 1 for the patches that they see and 0 for
   * the others. See nn/visible.ts.
   */
  seeingOnly(visible: Tensor): Scope {
    return new Scope(this.graph, this.path, { ...this.surroundings, visible });
  }

  /** What `seeingOnly` said; undefined where everything is seen. */
  get visible(): Tensor | undefined {
    return this.surroundings.visible;
  }

  /** Declares `PATH.name`, or finds it when it was declared with the same shape before. */
  parameter(name: string, shape: readonly number[], initializer: Initializer): Tensor {
    return this.graph.parameter(this.#full(name), shape, initializer);
  }

  /** State that travels with the weights but is not trained: running statistics, counters. */
  buffer(name: string, shape: readonly number[], initializer: Initializer, dtype: GraphDType = "float32"): Tensor {
    return this.graph.parameter(this.#full(name), shape, initializer, { trainable: false, dtype });
  }

  /**
   * Names a value on the way, `PATH.name`, for those who want the features there: per picture one vector (N, width), tokens (N, tokens, width) or a
   * map (N, channels, h, w). What has to be made for it is made only when they ask. Of a network that is applied several times the first time counts.
   */
  layer(name: string, value: Tensor | (() => Tensor)): void {
    const full = this.#full(name);
    if (this.graph.layers.has(full)) return;
    const form = this.surroundings.layerForm;
    this.graph.layers.set(full, form === undefined ? value : () => form(typeof value === "function" ? value() : value));
  }

  /** Runs a layer's body with this path recorded on every node it makes, so that errors can say where. */
  run<T>(body: () => T): T {
    const outer = this.graph.currentPath;
    this.graph.currentPath = this.path;
    try {
      return body();
    } finally {
      this.graph.currentPath = outer;
    }
  }

  #full(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}

/** Builds a graph: declare inputs with `scope.graph.input`, return what the graph computes, by name. */
export function trace(build: (scope: Scope) => Readonly<Record<string, Tensor>>): Graph {
  const graph = new Graph();
  const outputs = build(new Scope(graph));
  for (const [name, value] of Object.entries(outputs)) graph.output(name, value);
  return graph;
}

/** A picture batch input, (batch, 3, height, width), any of which may be fixed. */
export function imageInput(
  graph: Graph,
  size: { batch?: Dim; height?: Dim; width?: Dim } = {},
  name = "image",
): Tensor {
  return graph.input(name, [size.batch ?? "batch", 3, size.height ?? "height", size.width ?? "width"]);
}
