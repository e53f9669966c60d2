// Inference or training: what differs between the two graphs of one model. Randomness is never drawn inside a graph: a training graph
// declares inputs for its masks, and the host draws them from an explicit seed.
import { mul, reshape } from "../graph/build.ts";
import type { Dim, Shape } from "../graph/dimensions.ts";
import { type Graph, isOp, type Tensor } from "../graph/tensor.ts";

/** One mask that a training graph wants: values 1 / keep with probability `keep`, else 0. */
export interface MaskInput {
  readonly name: string;
  readonly keep: number;
  readonly shape: Shape;
}

export interface TrainingOptions {
  /**
   * Says of a batch normalisation, by the name of its running mean or variance, whether its statistics stay as they are: it then normalises
   * with them, as at inference. Default: none.
   */
  readonly keepsStatistics?: (buffer: string) => boolean;
  /**
   * The same where it depends on how far training is: a scalar, by the name of the running mean or variance, that is true from when on its statistics
   * are the batch's. Default: they always are.
   */
  readonly movesStatistics?: (buffer: string) => Tensor | undefined;
}

export interface InferenceOptions {
  /** Models that sample features of the picture compute them only there. Default false: for the whole picture. Models that cannot, do not. */
  readonly onlyWhereSampled?: boolean;
  /**
   * Pictures may end before their image does, at the right and below: models that can be told where (`Architecture.seesPadding`) have the input `sizes` (N, 2), height and width of
   * each in pixels. Default false: pictures are whole.
   */
  readonly padded?: boolean;
  /** Models that read pixels keep them bytes until the first convolution, which is then computed in eight bits where the graph is (onnx/quantize.ts). Default false. */
  readonly keepsBytes?: boolean;
  /**
   * Graphics cards take their time for every kernel that is started, and not for large moves: models that have a form of fewer kernels take it, and sample features
   * of a picture by gridSample instead of gathering cells. Default false.
   */
  readonly fewKernels?: boolean;
}

export class Mode {
  /** The masks that the graph declared, in order. */
  readonly masks: MaskInput[] = [];
  /** Value after this step of each buffer that the forward pass changed, by name. */
  readonly bufferUpdates = new Map<string, Tensor>();
  readonly #keepsStatistics: (buffer: string) => boolean;
  readonly #movesStatistics: (buffer: string) => Tensor | undefined;

  readonly onlyWhereSampled: boolean;
  readonly padded: boolean;
  readonly keepsBytes: boolean;
  readonly fewKernels: boolean;

  private constructor(
    readonly training: boolean,
    { onlyWhereSampled = false, padded = false, keepsBytes = false, fewKernels = false }: InferenceOptions,
    options: TrainingOptions = {},
  ) {
    this.onlyWhereSampled = onlyWhereSampled;
    this.padded = padded;
    this.keepsBytes = keepsBytes;
    this.fewKernels = fewKernels;
    this.#keepsStatistics = options.keepsStatistics ?? (() => false);
    this.#movesStatistics = options.movesStatistics ?? (() => undefined);
  }

  static inference(options: InferenceOptions = {}): Mode {
    return new Mode(false, options);
  }

  static training(options: TrainingOptions = {}): Mode {
    return new Mode(true, {}, options);
  }

  /** Stochastic depth: in training, x (batch, …) is zeroed for a random share `rate` of the batch and scaled up for the rest. */
  dropPath(graph: Graph, x: Tensor, rate: number, batch: Dim): Tensor {
    if (!this.training || rate === 0) return x;
    const mask = this.#mask(graph, "drop_path", rate, [batch]);
    return mul(x, reshape(mask, [batch, ...x.shape.slice(1).map(() => 1)]));
  }

  /** In training, a random share `rate` of all elements is zeroed and the rest is scaled up. */
  dropout(x: Tensor, rate: number): Tensor {
    return !this.training || rate === 0 ? x : mul(x, this.#mask(x.graph, "dropout", rate, x.shape));
  }

  #mask(graph: Graph, kind: string, rate: number, shape: Shape): Tensor {
    const name = `${kind}.${this.masks.length}`;
    this.masks.push({ name, keep: 1 - rate, shape });
    return graph.input(name, shape);
  }

  /** Whether a batch normalisation takes its statistics from the batch, and with them moves the running ones. */
  usesBatchStatistics(runningMean: Tensor): boolean {
    return this.training && !this.#keepsStatistics(nameOf(runningMean));
  }

  /** A scalar that says whether it does so yet; undefined where it always does. */
  usesThemNow(runningMean: Tensor): Tensor | undefined {
    return this.#movesStatistics(nameOf(runningMean));
  }

  /** A layer that runs more than once in a step updates its buffer as often: `next` gets what the buffer is by then. */
  updateBuffer(buffer: Tensor, next: (current: Tensor) => Tensor): void {
    const name = nameOf(buffer);
    this.bufferUpdates.set(name, next(this.bufferUpdates.get(name) ?? buffer));
  }
}

function nameOf(buffer: Tensor): string {
  if (isOp(buffer, "parameter")) return buffer.attributes.name;
  throw new TypeError(`a buffer is declared by a scope, this is the result of ${buffer.op}`);
}
