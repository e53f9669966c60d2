// A batch's annotations as inputs of a train step. What an objective does not ask for is no input.
import type { AnnotationShape, BatchAnnotations } from "../data/annotations.ts";
import { UsageError } from "../errors.ts";
import { cast, iota, less, reshape } from "../graph/build.ts";
import type { GraphDType } from "../graph/ops.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import type { TensorData } from "../tensor.ts";

const PREFIX = "target.";

/** Annotations as an objective sees them; see `BatchAnnotations` for what they mean. */
export class AnnotationInputs {
  readonly #graph: Graph;
  readonly #batch: number;
  readonly #shape: AnnotationShape | undefined;

  constructor(graph: Graph, batch: number, shape: AnnotationShape | undefined) {
    this.#graph = graph;
    this.#batch = batch;
    this.#shape = shape;
  }

  /** Things in a picture at most. */
  get most(): number {
    return this.#known.most;
  }

  /** (N, T) int64 */
  get classes(): Tensor {
    return this.#input("classes", [this.most], "int64");
  }

  /** (N, T, 4) float32: centre x, centre y, width, height in 0..1 */
  get boxes(): Tensor {
    return this.#input("boxes", [this.most, 4]);
  }

  /** (N) int64 */
  get count(): Tensor {
    return this.#input("count", [], "int64");
  }

  /** (N, T) float32: 1 for a thing, 0 for what fills up. */
  get valid(): Tensor {
    const places = reshape(iota(this.#graph, this.most, "int64"), [1, this.most]);
    return cast(less(places, reshape(this.count, [this.#batch, 1])), "float32");
  }

  /** (N, T, h, w) float32: 1 where the thing is. */
  get masks(): Tensor {
    const { masks } = this.#known;
    if (masks === undefined) throw new UsageError("the recipe learns masks, and its annotations have none", HINT);
    return cast(this.#input("masks", [this.most, masks.height, masks.width], "uint8"), "float32");
  }

  /** (N, h, w) int64, `IGNORED` where nobody says. */
  get semantic(): Tensor {
    const { semantic } = this.#known;
    if (semantic === undefined)
      throw new UsageError("the recipe learns classes of pixels, and its annotations have none", HINT);
    return this.#input("semantic", [semantic.height, semantic.width], "int64");
  }

  get #known(): AnnotationShape {
    if (this.#shape === undefined)
      throw new UsageError(
        "what the recipe learns needs annotated pictures",
        'say how many things they have at most: "annotations": { "most": 20 }',
      );
    return this.#shape;
  }

  #input(name: keyof BatchAnnotations, rest: readonly number[], dtype: GraphDType = "float32"): Tensor {
    return this.#graph.input(PREFIX + name, [this.#batch, ...rest], dtype);
  }
}

const HINT = 'say how large they are: "annotations": { "masks": { "height": 64, "width": 64 } }';

/** Of a batch's annotations those that a graph reads, by its inputs. */
export function annotationFeeds(
  annotations: BatchAnnotations | undefined,
  { inputs }: Pick<Graph, "inputs">,
): Record<string, TensorData> {
  const named = Object.entries(annotations ?? {}).map(([name, value]) => [PREFIX + name, value] as const);
  return Object.fromEntries(named.filter(([name]) => inputs.has(name)));
}
