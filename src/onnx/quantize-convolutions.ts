// Convolutions of pictures in eight bits: bytes times weights of eight bits, and sums that come back as bytes. Pixels are bytes already, and a
// byte is never below 0 or above 255, so the largest sum that a channel can have follows from its weights; how much of that a batch needs, a few of
// its places say (lowering/quantized-conv.ts). What only picks values or moves them around behind (pooling, transposes, gathering) goes on with
// bytes, until something computes.
import { evaluate } from "../graph/interpreter/interpret.ts";
import { isOp, type Tensor } from "../graph/tensor.ts";
import { type TensorData, tensor, toFloat64 } from "../tensor.ts";
import { dependingOnInputs, LARGEST_WEIGHT } from "./quantize.ts";

/** A convolution of bytes and the ReLU behind it. */
export interface QuantizedConvolution {
  readonly conv: Tensor<"conv">;
  /** What it reads, uint8 (N, in, …). */
  readonly bytes: Tensor;
  /** (out, in, …) */
  readonly weight: TensorData<"int8">;
  /** (out), added to the sums of products. */
  readonly bias: TensorData<"int32">;
  /** (out): what a sum is to be multiplied by, so that the largest possible one is 255. */
  readonly steps: TensorData<"float32">;
  /** (out): what a byte is worth then. */
  readonly scales: TensorData<"float32">;
}

/** Values that stay bytes between ops. */
export interface ByteValues {
  /** By the ReLU that ends them. */
  readonly convolutions: ReadonlyMap<Tensor, QuantizedConvolution>;
  /** By every value in bytes: the convolution it comes from, and its axis of channels. */
  readonly values: ReadonlyMap<Tensor, { readonly from: QuantizedConvolution; readonly axis: number }>;
}

const LARGEST_BYTE = 255;

/** Finds what can be computed in bytes among the nodes that outputs need. */
export function quantizeConvolutions(
  nodes: readonly Tensor[],
  parameters: ReadonlyMap<string, TensorData>,
): ByteValues {
  const varying = dependingOnInputs(nodes);
  const readers = new Map<Tensor, number>();
  for (const input of nodes.flatMap((node) => node.inputs)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const convolutions = new Map<Tensor, QuantizedConvolution>();
  const values = new Map<Tensor, { from: QuantizedConvolution; axis: number }>();
  for (const node of nodes) {
    const from = isOp(node, "relu") ? quantized(node.inputs[0]!, varying, readers, parameters) : undefined;
    if (from !== undefined) {
      convolutions.set(node, from);
      values.set(node, { from, axis: 1 });
      continue;
    }
    const read = values.get(node.inputs[0]!);
    const axis = read === undefined ? undefined : channelsBehind(node, read.axis);
    if (read !== undefined && axis !== undefined) values.set(node, { from: read.from, axis });
  }
  return { convolutions, values };
}

/** Where the channels are behind an op that computes nothing; undefined behind others. */
function channelsBehind(node: Tensor, axis: number): number | undefined {
  const [before, after] = [node.inputs[0]!.shape, node.shape];
  const isLast = axis === before.length - 1;
  if (isOp(node, "maxPool")) return axis;
  if (isOp(node, "transpose")) return node.attributes.permutation.indexOf(axis);
  if (isOp(node, "reshape")) return isLast && before.at(-1) === after.at(-1) ? after.length - 1 : undefined;
  if (isOp(node, "gather")) return isLast && node.attributes.axis !== axis ? after.length - 1 : undefined;
  return undefined;
}

/** A convolution without padding of bytes, from which a number for each channel may be taken off first. */
function quantized(
  conv: Tensor,
  varying: ReadonlySet<Tensor>,
  readers: ReadonlyMap<Tensor, number>,
  parameters: ReadonlyMap<string, TensorData>,
): QuantizedConvolution | undefined {
  if (!isOp(conv, "conv") || readers.get(conv) !== 1) return undefined;
  const { padsBefore, padsAfter, groups } = conv.attributes;
  const [x, weight, bias] = conv.inputs as readonly [Tensor, Tensor, Tensor | undefined];
  if (groups !== 1 || [...padsBefore, ...padsAfter].some((size) => size !== 0)) return undefined;
  const centre = isOp(x, "sub") ? x.inputs[1]! : undefined;
  const floats = isOp(x, "sub") ? x.inputs[0]! : x;
  const bytes = isOp(floats, "cast") ? floats.inputs[0]! : undefined;
  const fixed = [weight, bias, centre].filter((tensor) => tensor !== undefined);
  if (bytes?.dtype !== "uint8" || fixed.some((tensor) => varying.has(tensor))) return undefined;
  const channels = Number(x.shape[1]);
  const [perChannel, ofBias] = [centre, bias].map((tensor) =>
    tensor === undefined ? undefined : toFloat64(evaluate([tensor], parameters)[0]!),
  );
  const isPerChannel = centre === undefined || Number(centre.shape.at(-x.shape.length + 1)) === channels;
  if (!isPerChannel || (perChannel ?? []).length % channels !== 0 || (perChannel ?? []).length > channels)
    return undefined;
  return { conv, bytes, ...inBytes(evaluate([weight], parameters)[0]!, ofBias, perChannel) };
}

/** weight (out, in, …); bias (out) and centre (in) default to zeros. */
export function inBytes(
  weight: TensorData,
  bias: ArrayLike<number> | undefined,
  centre: ArrayLike<number> | undefined,
): Pick<QuantizedConvolution, "weight" | "bias" | "steps" | "scales"> {
  const [outputs, inputs] = weight.shape as readonly [number, number];
  const { values, scales: fine } = quantizeKernels(weight);
  const perOutput = values.length / outputs;
  const perInput = perOutput / inputs;
  const sums = new Int32Array(outputs);
  const steps = new Float32Array(outputs);
  const scales = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    let offset = (bias?.[o] ?? 0) / fine[o]!;
    let most = 0;
    for (let i = 0; i < perOutput; i++) {
      const value = values[o * perOutput + i]!;
      offset -= value * (centre?.[Math.floor(i / perInput)] ?? 0);
      most += Math.max(0, value) * LARGEST_BYTE;
    }
    sums[o] = Math.round(offset);
    // A channel that no picture makes positive is 0 in any scale.
    const largest = Math.max(1, most + sums[o]!);
    steps[o] = LARGEST_BYTE / largest;
    scales[o] = (fine[o]! * largest) / LARGEST_BYTE;
  }
  return {
    weight: tensor("int8", weight.shape, values),
    bias: tensor("int32", [outputs], sums),
    steps: tensor("float32", [outputs], steps),
    scales: tensor("float32", [outputs], scales),
  };
}

/**
 * weight (out, in, rows, …): values[o, …] * scales[o] is about weight[o, …]. What rounding takes from a weight, the next one down its column
 * gets: neighbouring pixels are alike, and what is left of such errors is half of what rounding each for itself leaves.
 */
function quantizeKernels(weight: TensorData): {
  readonly values: Int8Array<ArrayBuffer>;
  readonly scales: Float64Array;
} {
  const [outputs, inputs, rows = 1] = weight.shape as readonly number[];
  const source = toFloat64(weight);
  const perOutput = source.length / outputs!;
  const inRow = perOutput / (inputs! * rows);
  const values = new Int8Array(source.length);
  const scales = new Float64Array(outputs!);
  for (let o = 0; o < outputs!; o++) {
    const own = source.subarray(o * perOutput, (o + 1) * perOutput);
    const scale = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / LARGEST_WEIGHT || 1;
    scales[o] = scale;
    for (let column = 0; column < inputs! * inRow; column++) {
      const start = Math.floor(column / inRow) * rows * inRow + (column % inRow);
      let carried = 0;
      for (let row = 0; row < rows; row++) {
        const at = start + row * inRow;
        const exact = own[at]! / scale + carried;
        const whole = Math.max(-LARGEST_WEIGHT, Math.min(LARGEST_WEIGHT, Math.round(exact)));
        values[o * perOutput + at] = whole;
        carried = exact - whole;
      }
    }
  }
  return { values, scales };
}
