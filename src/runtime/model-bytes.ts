// Are these bytes an ONNX model at all? Engines answer "protobuf parsing failed" to everything; a look at the outermost protobuf fields
// tells an empty, cut-off or mistaken file apart, whatever its size. Layout: onnx.proto3, message ModelProto.
import { SessionError } from "../errors.ts";
import { requireSelfContained } from "../onnx/external-data.ts";

const GRAPH_FIELD = 7;
const LAST_KNOWN_FIELD = 26; // ModelProto.configuration is 26 in IR version 11; a larger number means that this is no ModelProto
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** First bytes of what people pass by mistake, and what to say about it. */
const MISTAKES: readonly { readonly start: string; readonly is: string; readonly hint: string }[] = [
  {
    start: "version https://git-lfs",
    is: "a Git LFS pointer, not the file itself",
    hint: "fetch the file: git lfs pull",
  },
  { start: "PK", is: "a zip archive (a PyTorch .pth file is one)", hint: "export it to ONNX first: saccade export" },
  { start: "<", is: "an HTML or XML page", hint: "the download went to a web page: check its address" },
  { start: "{", is: "JSON", hint: "pass the .onnx file" },
];

/**
 * Checks the outermost structure of ONNX bytes, and that all of the model is in them. Weights are stepped over.
 *
 * @throws SessionError when they are empty, cut off or something else; FormatError when weights are in another file, or what is inside is no model
 */
export function checkModelBytes(bytes: Uint8Array): void {
  const refuse = (problem: string, hint: string): never => {
    throw new SessionError(`this is not an ONNX model: ${problem}`, { hint, data: { bytes: bytes.length } });
  };
  if (bytes.length === 0) refuse("it is empty", "check the file, or the download that made it");
  if (isOrtFormat(bytes)) return;
  const start = String.fromCharCode(...bytes.subarray(0, 32));
  for (const mistake of MISTAKES) if (start.startsWith(mistake.start)) refuse(`it is ${mistake.is}`, mistake.hint);
  if (start.slice(8).startsWith("{")) refuse("it looks like safetensors weights", "build the model from its folder");
  const outcome = findGraph(bytes);
  if (outcome === "cut off") refuse("it ends in the middle", "the file is incomplete: copy or download it again");
  if (outcome === "malformed") refuse("its structure is not a protobuf model", "pass the bytes of an .onnx file");
  if (outcome === "no graph") refuse("it holds no graph", "pass the bytes of a whole .onnx model");
  // An engine would look for them in the working directory, where another model's may lie.
  requireSelfContained(bytes, "the model");
}

/** ONNX Runtime's own format: a flatbuffer with the identifier ORTM. */
function isOrtFormat(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(4, 8)) === "ORTM";
}

function findGraph(bytes: Uint8Array): "found" | "cut off" | "malformed" | "no graph" {
  let position = 0;
  let found = false;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= bytes.length) return Number.NaN;
      const byte = bytes[position++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return Number.POSITIVE_INFINITY;
  };
  while (position < bytes.length) {
    const tag = varint();
    if (Number.isNaN(tag)) return "cut off";
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (field < 1 || field > LAST_KNOWN_FIELD) return "malformed";
    if (wire === VARINT) {
      if (!Number.isFinite(varint())) return "malformed";
    } else if (wire === LENGTH_DELIMITED) {
      const length = varint();
      if (!Number.isFinite(length)) return "malformed";
      position += length;
      found ||= field === GRAPH_FIELD;
    } else if (wire === FIXED64) position += 8;
    else if (wire === FIXED32) position += 4;
    else return "malformed";
    if (position > bytes.length) return "cut off";
  }
  return found ? "found" : "no graph";
}
