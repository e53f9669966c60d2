// Tensors of the Open Inference Protocol (KServe v2), as JSON and as the binary tensor extension: a JSON header whose length is in the header
// Inference-Header-Content-Length, followed by the tensors' bytes, little-endian; BYTES are texts or files, each after its length in four bytes.
import { z } from "zod";
import { UsageError } from "../../errors.ts";
import { decodeBase64, parseJson } from "../api/request-pictures.ts";
import { RequestError } from "../failures.ts";
import { schemaFaults } from "../schema-faults.ts";

const DATATYPES = [
  ...(["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"] as const),
  ...(["FP16", "FP32", "FP64", "BYTES"] as const),
] as const;
type Datatype = (typeof DATATYPES)[number];

/** Bytes of a number. */
const NUMBER_BYTES: Readonly<Record<Exclude<Datatype, "BYTES">, number>> = {
  ...{ BOOL: 1, UINT8: 1, UINT16: 2, UINT32: 4, UINT64: 8, INT8: 1, INT16: 2, INT32: 4, INT64: 8 },
  ...{ FP16: 2, FP32: 4, FP64: 8 },
};

/** Numbers and all else in JSON; a picture of 800 x 800 pixels has fewer. Larger ones come as binary tensors. */
const MOST_JSON_VALUES = 2 ** 21;

const parametersSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const tensorSchema = z.looseObject({
  name: z.string().min(1).max(200),
  shape: z
    .array(
      z
        .int()
        .min(0)
        .max(2 ** 31),
    )
    .max(16),
  datatype: z.enum(DATATYPES),
  parameters: parametersSchema.optional(),
  data: z.unknown().optional(),
});

export const inferRequestSchema = z.looseObject({
  id: z.string().max(200).optional(),
  parameters: parametersSchema.optional(),
  inputs: z.array(tensorSchema).min(1).max(16),
  outputs: z
    .array(z.looseObject({ name: z.string().min(1).max(200), parameters: parametersSchema.optional() }))
    .max(16)
    .optional(),
});

export interface InferTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: Datatype;
  /** Numbers, or of BYTES the parts. */
  readonly values: Uint8Array<ArrayBuffer> | readonly Uint8Array<ArrayBuffer>[];
}

export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: readonly InferTensor[];
  readonly outputs: readonly { readonly name: string; readonly parameters: Readonly<Record<string, unknown>> }[];
  /** Whether all outputs are wanted as bytes. */
  readonly binaryOutput: boolean;
}

/** @param headerLength what Inference-Header-Content-Length says. @throws UsageError */
export function parseInferRequest(body: Uint8Array<ArrayBuffer>, headerLength: string | undefined): InferRequest {
  const length = headerLength === undefined ? body.length : Number(headerLength);
  if (!Number.isInteger(length) || length < 0 || length > body.length)
    throw new UsageError(`Inference-Header-Content-Length is ${headerLength}, of a body of ${body.length} bytes`);
  const parsed = inferRequestSchema.safeParse(parseJson(body.subarray(0, length), MOST_JSON_VALUES));
  if (!parsed.success)
    throw new UsageError(`the inference request is not understood: ${schemaFaults(parsed.error, 1)}`);
  const { id, inputs, outputs = [], parameters = {} } = parsed.data;
  let at = length;
  const tensors = inputs.map((input): InferTensor => {
    const { name, shape, datatype, data } = input;
    const size = input.parameters?.binary_data_size;
    if (size === undefined) return { name, shape, datatype, values: fromJson(name, shape, datatype, data) };
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0 || at + size > body.length)
      throw new UsageError(`the input ${name} has binary_data_size ${size}, and ${body.length - at} bytes are left`);
    at += size;
    return { name, shape, datatype, values: fromBytes(name, shape, datatype, body.slice(at - size, at)) };
  });
  if (at !== body.length) throw new UsageError(`${body.length - at} bytes of the body belong to no input`);
  return {
    id,
    inputs: tensors,
    outputs: outputs.map(({ name, parameters: of = {} }) => ({ name, parameters: of })),
    binaryOutput: parameters.binary_data_output === true,
  };
}

/** Files of a tensor. */
const MOST_PARTS = 10_000;

const elementsOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

function fromBytes(
  name: string,
  shape: readonly number[],
  datatype: Datatype,
  bytes: Uint8Array<ArrayBuffer>,
): InferTensor["values"] {
  const elements = elementsOf(shape);
  if (datatype === "BYTES" && elements > MOST_PARTS)
    throw new RequestError(413, "limit", `a tensor may have ${MOST_PARTS} files`);
  if (datatype !== "BYTES") {
    const expected = elements * NUMBER_BYTES[datatype];
    if (bytes.length !== expected)
      throw new UsageError(
        `the input ${name} of [${shape.join(", ")}] ${datatype} has ${expected} bytes, got ${bytes.length}`,
      );
    return bytes;
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (parts.length === elements) throw new UsageError(`the input ${name} has more parts than its shape says`);
    if (at + 4 + length > bytes.length) throw new UsageError(`the input ${name} ends within one of its parts`);
    parts.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (parts.length !== elements)
    throw new UsageError(`the input ${name} has ${parts.length} parts, its shape says ${elements}`);
  return parts;
}

/** Numbers row by row, nested or flat. Of BYTES: texts in base64, which is how a file gets into JSON. */
function fromJson(name: string, shape: readonly number[], datatype: Datatype, data: unknown): InferTensor["values"] {
  const elements = elementsOf(shape);
  if (!Array.isArray(data)) throw new UsageError(`the input ${name} has neither data nor binary_data_size`);
  const flat =
    shape.length > 1 && Array.isArray(data[0]) ? (data as unknown[]).flat(MOST_NESTING) : (data as unknown[]);
  if (flat.length !== elements)
    throw new UsageError(`the input ${name} has ${flat.length} values, its shape says ${elements}`);
  if (datatype === "BYTES")
    return flat.map((value) => {
      if (typeof value !== "string") throw new UsageError(`the input ${name} is of texts in base64`);
      return decodeBase64(value);
    });
  if (datatype !== "UINT8") throw new UsageError(`the input ${name} is ${datatype}`, "pictures are BYTES or UINT8");
  const values = new Uint8Array(elements);
  for (const [i, value] of flat.entries()) {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 255)
      throw new UsageError(`the input ${name} is of whole numbers from 0 to 255`);
    values[i] = value;
  }
  return values;
}

const MOST_NESTING = 4;

/** An output, whose data is one value after another. */
export type OutputTensor =
  | { readonly name: string; readonly shape: readonly number[]; readonly datatype: "FP32"; readonly data: Float32Array }
  | {
      readonly name: string;
      readonly shape: readonly number[];
      readonly datatype: "BYTES";
      readonly data: readonly string[];
    };

export interface InferAnswer {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @param isBinary whether an output is wanted as bytes */
export function writeInferAnswer(
  facts: Readonly<Record<string, unknown>>,
  outputs: readonly OutputTensor[],
  isBinary: (name: string) => boolean,
): InferAnswer {
  const parts: Uint8Array[] = [];
  const described = outputs.map((output) => {
    const { name, shape, datatype, data } = output;
    if (!isBinary(name)) return { name, shape, datatype, data: Array.from<number | string>(data) };
    const bytes = outputBytes(output);
    parts.push(bytes);
    return { name, shape, datatype, parameters: { binary_data_size: bytes.length } };
  });
  const json = JSON.stringify({ ...facts, outputs: described });
  if (parts.length === 0) return { body: json, headers: { "Content-Type": "application/json" } };
  const header = new TextEncoder().encode(json);
  return {
    body: Uint8Array.from(Buffer.concat([header, ...parts])),
    headers: {
      "Content-Type": "application/octet-stream",
      "Inference-Header-Content-Length": String(header.length),
    },
  };
}

function outputBytes(output: OutputTensor): Uint8Array {
  if (output.datatype === "FP32") {
    const bytes = new DataView(new ArrayBuffer(4 * output.data.length));
    output.data.forEach((value, i) => {
      bytes.setFloat32(4 * i, value, true);
    });
    return new Uint8Array(bytes.buffer);
  }
  return Buffer.concat(
    output.data.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}
