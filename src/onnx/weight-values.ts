// The numbers of a file's weights.
import { fromBinary } from "@bufbuild/protobuf";
import { FormatError } from "../errors.ts";
import { arrayFromBytes, BYTES_PER_ELEMENT, type DType, type TensorData } from "../tensor.ts";
import { dtypeFromOnnx } from "./dtypes.ts";
import { TensorProtoSchema } from "./onnx-pb.ts";
import { visitTensors } from "./tensors.ts";
import { reading } from "./wire.ts";

const FLOATS: readonly string[] = ["float32", "float16", "bfloat16", "float64"] satisfies DType[];

/** Shows the floating-point tensors of a file, each with its name, one after another; constants of nodes have none (""). */
export function visitWeights(bytes: Uint8Array, visit: (name: string, value: TensorData) => void): void {
  visitTensors(bytes, (tensor) => {
    const { name, dataType, rawData, floatData, doubleData, int32Data } = reading(() =>
      fromBinary(TensorProtoSchema, tensor),
    );
    const dtype = dtypeFromOnnx(dataType);
    if (!FLOATS.includes(dtype)) return;
    if (rawData.length % BYTES_PER_ELEMENT[dtype as DType] !== 0)
      throw new FormatError("ONNX", `the tensor "${name}" ends in the middle of a ${dtype}`);
    const data =
      rawData.length > 0
        ? arrayFromBytes(dtype as DType, rawData)
        : dtype === "float32"
          ? Float32Array.from(floatData)
          : dtype === "float64"
            ? Float64Array.from(doubleData)
            : Uint16Array.from(int32Data); // halves lie in whole numbers
    visit(name, { dtype, shape: [data.length], data } as TensorData);
  });
}
