// Where a model's numbers go wrong: it is run on a grey picture, or on a text, and the first value that is no finite number is named with the node that made it.
import { fixedOutputSize, parseTransform, pixelNormalization } from "../image/transform.ts";
import type { TextInput } from "../models/architecture.ts";
import { channelsOfInput } from "../models/grey.ts";
import { usualTransform } from "../models/picture-input.ts";
import { type InnerValue, withInnerOutputs } from "../onnx/inner-values.ts";
import { readOnnx } from "../onnx/read.ts";
import type { Host } from "../platform/host.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import { elementCount, type TensorData, tensor } from "../tensor.ts";
import { exportOnnx } from "./compile.ts";
import { usualExtent } from "./describe.ts";
import { countFaults } from "./faults.ts";
import type { LoadedModel, NativeModel, OnnxModel } from "./model.ts";
import { pictureFacts } from "./picture-file.ts";

/** A value with numbers that are not finite. */
export interface BadValue {
  readonly name: string;
  /** The operator that computes it, and the node's name, as far as it has one. */
  readonly op: string;
  readonly node: string;
  /** Weights that go into it. */
  readonly weights: readonly string[];
  readonly nan: number;
  readonly infinite: number;
}

/** The first bad values in the order of the graph; none where all is well. */
export interface ValueCheck {
  /** Values that were looked at. */
  readonly values: number;
  /** Whether what the model gives is damaged. Inside it an infinite value may be meant: a mask. */
  readonly isDamaged: boolean;
  readonly firstNan?: BadValue;
  readonly firstInfinite?: BadValue;
}

/** Values that one run gives out: all at once might not fit into memory. */
const VALUES_PER_RUN = 64;

/**
 * Looks at every value of a model on a grey picture (or a text of all tokens' length), until one is not a number.
 *
 * @throws FormatError for an ONNX file that is no model of pictures; SessionError where the engine cannot run it
 */
export async function checkValues(host: Host, model: LoadedModel, options: SessionOptions = {}): Promise<ValueCheck> {
  const { bytes, input, value } = model.kind === "onnx" ? foreignRun(model) : nativeRun(model);
  const opened = withInnerOutputs(bytes);
  const { initializers, outputs } = readOnnx(bytes);
  const names = (values: readonly { readonly name: string }[]) => new Set(values.map(({ name }) => name));
  const session = await host.createSession(opened.bytes, options);
  try {
    return await firstBadValues(session, { [input]: value }, opened.values, {
      weights: names(initializers),
      outputs: names(outputs),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } finally {
    await session.dispose();
  }
}

async function firstBadValues(
  session: Session,
  feeds: Record<string, TensorData>,
  values: readonly InnerValue[],
  known: {
    readonly weights: ReadonlySet<string>;
    readonly outputs: ReadonlySet<string>;
    readonly signal?: AbortSignal;
  },
): Promise<ValueCheck> {
  const { weights, signal } = known;
  let firstInfinite: BadValue | undefined;
  let isDamaged = false;
  for (let start = 0; start < values.length; start += VALUES_PER_RUN) {
    const part = values.slice(start, start + VALUES_PER_RUN);
    const outputs = await session.run(feeds, {
      outputs: part.map(({ name }) => name),
      ...(signal === undefined ? {} : { signal }),
    });
    for (const [i, { name, node }] of part.entries()) {
      const faults = countFaults(outputs[name]!);
      if (faults.nan + faults.infinite === 0) continue;
      const used = node.inputs.filter((value) => weights.has(value));
      const bad: BadValue = { name, op: node.op, node: node.name, weights: used, ...faults };
      const more = firstInfinite === undefined ? {} : { firstInfinite };
      if (faults.nan > 0) return { values: start + i + 1, isDamaged: true, firstNan: bad, ...more };
      firstInfinite ??= bad;
      isDamaged ||= known.outputs.has(name);
    }
  }
  return { values: values.length, isDamaged, ...(firstInfinite === undefined ? {} : { firstInfinite }) };
}

interface Run {
  readonly bytes: Uint8Array;
  readonly input: string;
  readonly value: TensorData;
}

function nativeRun(model: NativeModel): Run {
  const { definition, card } = model;
  const bytes = exportOnnx(model);
  const input = definition.architecture.input(definition.config);
  if (input.kind === "text") return { bytes, input: "ids", value: longestText(input) };
  const { height, width, frames } = usualExtent(definition, card.transform);
  const shape = [1, channelsOfInput(input), ...(frames === undefined ? [] : [frames]), height, width];
  return { bytes, input: "image", value: greyImage(shape, card.transform ?? usualTransform(definition)) };
}

/** (1, context): as many different tokens as there is room for, and the last one at the end. */
function longestText({ context, vocabulary }: TextInput): TensorData {
  const last = vocabulary - 1;
  const ids = BigInt64Array.from({ length: context }, (_, i) => BigInt(i === context - 1 ? last : i % last));
  return tensor("int64", [1, context], ids);
}

function foreignRun(model: OnnxModel): Run {
  const { inputName, takes, channels, usualTransform } = pictureFacts(model);
  const transform = model.card.transform ?? usualTransform;
  const [batch, ...declared] = readOnnx(model.bytes).inputs[0]!.shape!;
  const { height, width } = fixedOutputSize(parseTransform(transform)) ?? { height: 224, width: 224 };
  const usual = takes === "pixels" ? [height, width, 3] : [channels, height, width];
  const count = typeof batch === "number" ? batch : 1;
  const shape = [count, ...declared.map((size, i) => (typeof size === "number" ? size : usual[i]!))];
  const value =
    takes === "pixels"
      ? tensor("uint8", shape, new Uint8Array(elementCount(shape)).fill(GREY))
      : greyImage(shape, transform);
  return { bytes: model.bytes, input: inputName, value };
}

const GREY = 128;

/** (N, 3, …) or (N, 1, …): grey, normalised as the transform says. */
function greyImage(shape: readonly number[], transform: string): TensorData {
  const { mean, std } = pixelNormalization(parseTransform(transform)) ?? { mean: [0, 0, 0], std: [1, 1, 1] };
  const plane = elementCount(shape.slice(2));
  const data = new Float32Array(elementCount(shape));
  for (let row = 0; row * plane < data.length; row++) {
    const channel = row % shape[1]!;
    data.fill((GREY / 255 - mean[channel]!) / std[channel]!, row * plane, (row + 1) * plane);
  }
  return tensor("float32", shape, data);
}
