// Raw tensors through a model of any kind: pictures, clips, whatever an ONNX file takes. No preprocessing, every output by its name.
import { SessionError } from "../errors.ts";
import { isFasterWhereSampled } from "../models/graph.ts";
import type { Precision } from "../onnx/lower.ts";
import type { Host } from "../platform/host.ts";
import { describeValue } from "../runtime/feeds.ts";
import type { Session, SessionOptions, ValueInfo } from "../runtime/session.ts";
import { type DType, numberToHalf, type TensorData, toFloat32, toFloat64 } from "../tensor.ts";
import { type ExportOptions, exportOnnx, requirePrecision } from "./compile.ts";
import { kernelsFor } from "./device-kernels.ts";
import type { LoadedModel, NativeModel } from "./model.ts";

export interface TensorRun {
  readonly outputs: Record<string, TensorData>;
  readonly device: Session["device"];
  /** Tensors that were given and that the model does not take. */
  readonly ignored: readonly string[];
}

export interface TensorRunOptions extends SessionOptions {
  /** Only these outputs. Default: all. */
  readonly outputs?: readonly string[];
  /** Default "float32". */
  readonly precision?: Precision;
}

/**
 * Runs a model once. Floating-point inputs of another precision are converted, so are whole numbers; a whole number never becomes a float,
 * because pixels of 0..255 are not what a model of this library takes.
 * @throws SessionError for a missing input, a wrong shape or an unknown output
 * @throws UsageError for another precision than an ONNX file has
 */
export async function runTensors(
  host: Host,
  model: LoadedModel,
  tensors: ReadonlyMap<string, TensorData>,
  options: TensorRunOptions = {},
): Promise<TensorRun> {
  const { outputs, signal, precision = "float32" } = options;
  if (model.kind === "onnx") requirePrecision(model, precision);
  const bytes =
    model.kind === "onnx"
      ? model.bytes
      : exportOnnx(model, {
          ...(await kernelsFor(host, model, options)),
          precision,
          ...sizeOfLarge(model, tensors.get("image")),
          ...(outputs === undefined ? {} : { outputs }),
        });
  const session = await host.createSession(bytes, options);
  try {
    const feeds = Object.fromEntries(session.inputs.map((input) => [input.name, feedFor(input, tensors)]));
    return {
      outputs: await session.run(feeds, {
        ...(outputs === undefined ? {} : { outputs }),
        ...(signal === undefined ? {} : { signal }),
      }),
      device: session.device,
      ignored: [...tensors.keys()].filter((name) => !(name in feeds)),
    };
  } finally {
    await session.dispose();
  }
}

/** Large pictures are computed only where they are sampled, if the model is compiled for their size. */
function sizeOfLarge({ definition }: NativeModel, image: TensorData | undefined): Pick<ExportOptions, "size"> {
  const [, , height, width] = image?.shape.length === 4 ? image.shape : [];
  if (height === undefined || width === undefined || !isFasterWhereSampled(definition, { height, width })) return {};
  return { size: { height, width } };
}

const FLOATS: readonly DType[] = ["float64", "float32", "float16", "bfloat16"];
const WHOLE: readonly DType[] = ["int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"];

function feedFor(input: ValueInfo, tensors: ReadonlyMap<string, TensorData>): TensorData {
  const value = tensors.get(input.name);
  if (value === undefined)
    throw new SessionError(`there is no tensor "${input.name}" to feed`, {
      hint: `the model takes ${describeValue(input)}; given: ${[...tensors.keys()].slice(0, 8).join(", ") || "nothing"}`,
      data: { input: input.name, given: [...tensors.keys()] },
    });
  if (value.dtype === input.dtype) return value;
  const { shape } = value;
  if (FLOATS.includes(value.dtype)) {
    if (input.dtype === "float32") return { dtype: "float32", shape, data: toFloat32(value) };
    if (input.dtype === "float64") return { dtype: "float64", shape, data: toFloat64(value) };
    if (input.dtype === "float16")
      return { dtype: "float16", shape, data: Uint16Array.from(toFloat32(value), numberToHalf) };
  }
  if (WHOLE.includes(value.dtype) && input.dtype === "int64")
    return { dtype: "int64", shape, data: BigInt64Array.from(value.data as Int32Array, BigInt) };
  throw new SessionError(`input "${input.name}" is ${value.dtype}, the model takes ${describeValue(input)}`, {
    hint:
      WHOLE.includes(value.dtype) && FLOATS.includes(input.dtype)
        ? "pictures are fed as they come out of the model's transform: scaled and normalised floats"
        : "convert the tensor first",
    data: { input: input.name, expected: input.dtype, actual: value.dtype },
  });
}
