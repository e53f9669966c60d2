// The few Python callables whose result is plain data and which pickles of plain data need. This table is the whole of what "calling" can do.
import { FormatError } from "../errors.ts";
import { Inert, PickleTuple, type PickleValue } from "./pickle-values.ts";

const FORMAT = "pickle";

/** Names of the same thing in Python 2 and 3. */
export function globalName(module: string, name: string): string {
  if (module === "__builtin__") return `builtins.${name}`;
  return `${module}.${name}`;
}

type Builder = (args: readonly PickleValue[]) => PickleValue;

const BUILDERS: ReadonlyMap<string, Builder> = new Map<string, Builder>([
  ["collections.OrderedDict", (args) => buildDict(args[0])],
  // The factory is a reference to a class; what is missing is simply missing here.
  ["collections.defaultdict", (args) => buildDict(args[1])],
  ["builtins.dict", (args) => buildDict(args[0])],
  ["builtins.list", (args) => [...elements(args[0])]],
  ["builtins.tuple", (args) => new PickleTuple([...elements(args[0])])],
  ["builtins.set", (args) => new Set(elements(args[0]))],
  ["builtins.frozenset", (args) => new Set(elements(args[0]))],
  ["torch.Size", (args) => new PickleTuple([...elements(args[0])])],
  ["builtins.bytearray", buildBytes],
  ["builtins.bytes", buildBytes],
  ["_codecs.encode", encodeText],
]);

/** Whether `buildPlain` knows the name. */
export function isPlain(name: string): boolean {
  return BUILDERS.has(name);
}

/** Whether what is built finds its elements by their values. */
export function hashes(name: string): boolean {
  return /(?:dict|Dict|set)$/.test(name);
}

/** Builds plain data, or undefined when `name` is not one of the few plain containers. @throws FormatError for arguments that do not fit. */
export function buildPlain(name: string, args: readonly PickleValue[]): PickleValue | undefined {
  return BUILDERS.get(name)?.(args);
}

function elements(value: PickleValue | undefined): Iterable<PickleValue> {
  if (value === undefined) return [];
  if (Array.isArray(value) || value instanceof Set) return value;
  if (value instanceof PickleTuple) return value.items;
  throw new FormatError(FORMAT, "a container is built from something that is no list");
}

function buildDict(value: PickleValue | undefined): PickleValue {
  if (value instanceof Map) return new Map(value);
  const dict = new Map<PickleValue, PickleValue>();
  for (const pair of elements(value)) {
    const [key, item, ...rest] = elements(pair);
    if (key === undefined || item === undefined || rest.length > 0)
      throw new FormatError(FORMAT, "a dict is built from something that is no list of pairs");
    dict.set(key, item);
  }
  return dict;
}

function buildBytes(args: readonly PickleValue[]): PickleValue {
  const [value, encoding] = args;
  if (value === undefined) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return encodeText([value, encoding ?? "latin1"]);
  // bytearray(n) would allocate n zeros, bytes([..]) is written by nobody: neither is needed, so neither is done.
  return new Inert("builtins.bytes", args);
}

/** How protocol 2 writes bytes: text whose characters are the bytes. */
function encodeText([text, encoding]: readonly PickleValue[]): PickleValue {
  if (typeof text !== "string") throw new FormatError(FORMAT, "_codecs.encode is given something that is no text");
  if (encoding === "utf-8" || encoding === "utf8") return new TextEncoder().encode(text);
  if (encoding !== "latin1" && encoding !== "latin-1") return new Inert("_codecs.encode", [text, encoding ?? null]);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw new FormatError(FORMAT, "text that stands for bytes has a character beyond 255");
    bytes[i] = code;
  }
  return bytes;
}
