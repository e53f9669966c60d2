// A strict unpickler for all data opcodes of protocols 0 to 5 (CPython: Lib/pickletools.py describes them, Modules/_pickle.c runs them).
// It rebuilds plain containers and nothing else. A global becomes an inert placeholder (pickle-values.ts); nothing is ever imported,
// constructed or called. Time and memory are bounded by the input's size and by PickleLimits; nesting uses no JavaScript stack.
import { decodeLatin1, decodeUtf8 } from "./byte-reader.ts";
import { globalName } from "./pickle-globals.ts";
import { DEFAULT_PICKLE_LIMITS, type PickleHooks, type PickleLimits, PickleMachine } from "./pickle-machine.ts";
import { parseDecimal, parseFloatLine, parseLong, parseQuoted, parseRawUnicode } from "./pickle-text.ts";
import {
  Inert,
  type PickleDict,
  PickleExtension,
  type PickleSet,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";

const FORMAT = "pickle";
const STOP = 0x2e;
const HIGHEST_PROTOCOL = 5;
const MAX_NAME_LENGTH = 1000;

export interface Unpickled {
  readonly value: PickleValue;
  /** Where the next byte after the pickle is. */
  readonly end: number;
  /** Names of the globals that became placeholders, in order of appearance. */
  readonly foreign: readonly string[];
}

/**
 * Reads one pickle.
 * @param bytes holds the pickle from `options.start` (0 unless told); what follows its STOP is left alone.
 * @throws FormatError for malformed pickles; LimitError for one that exceeds `options.limits`.
 */
export function unpickle(
  bytes: Uint8Array,
  options: { start?: number; hooks?: PickleHooks; limits?: PickleLimits } = {},
): Unpickled {
  const machine = new PickleMachine(
    bytes,
    options.start ?? 0,
    options.hooks ?? {},
    options.limits ?? DEFAULT_PICKLE_LIMITS,
  );
  for (;;) {
    machine.countOperation();
    const code = machine.reader.u8();
    if (code === STOP) break;
    const run = OPCODES[code];
    if (run === undefined) throw machine.error(`the opcode 0x${code.toString(16).padStart(2, "0")} is not allowed`);
    run(machine);
  }
  return { value: machine.finish(), end: machine.reader.position, foreign: [...machine.foreign] };
}

type Opcode = (machine: PickleMachine) => void;

/** Opcodes by the character that CPython lists them under. */
const NUMBERS: Record<string, Opcode> = {
  F: (m) => m.push(parseFloatLine(m.reader.line())),
  I: (m) => m.push(parseInteger(m.reader.line())),
  J: (m) => m.push(m.reader.i32()),
  K: (m) => m.push(m.reader.u8()),
  L: (m) => m.push(parseDecimal(m.reader.line())),
  M: (m) => m.push(m.reader.u16()),
  N: (m) => m.push(null),
  G: (m) => m.push(m.reader.doubleBigEndian()),
  "\x88": (m) => m.push(true),
  "\x89": (m) => m.push(false),
  "\x8a": (m) => m.push(parseLong(m.reader.take(m.reader.u8()))),
  "\x8b": (m) => m.push(parseLong(m.reader.take(m.reader.u32()))),
};

const TEXTS: Record<string, Opcode> = {
  S: (m) => m.push(parseQuoted(m.reader.line())),
  T: (m) => m.push(byteString(m.reader.take(m.reader.u32()))),
  U: (m) => m.push(byteString(m.reader.take(m.reader.u8()))),
  V: (m) => m.push(parseRawUnicode(m.reader.line())),
  X: (m) => m.push(text(m, m.reader.u32())),
  "\x8c": (m) => m.push(text(m, m.reader.u8())),
  "\x8d": (m) => m.push(text(m, m.reader.u64())),
  B: (m) => m.pushNew(m.reader.take(m.reader.u32())),
  C: (m) => m.pushNew(m.reader.take(m.reader.u8())),
  "\x8e": (m) => m.pushNew(m.reader.take(m.reader.u64())),
  "\x96": (m) => m.pushNew(m.reader.take(m.reader.u64())),
};

const STACK: Record<string, Opcode> = {
  "(": (m) => m.mark(),
  "0": (m) => m.drop(),
  "1": (m) => void m.popMark(),
  "2": (m) => m.push(m.peek()),
  g: (m) => m.recall(memoKey(m)),
  h: (m) => m.recall(m.reader.u8()),
  j: (m) => m.recall(m.reader.u32()),
  p: (m) => m.remember(memoKey(m)),
  q: (m) => m.remember(m.reader.u8()),
  r: (m) => m.remember(m.reader.u32()),
  "\x94": (m) => m.memoize(),
  "\x80": (m) => {
    const protocol = m.reader.u8();
    if (protocol > HIGHEST_PROTOCOL) throw m.error(`pickle protocol ${protocol} is unknown`);
  },
  "\x95": (m) => {
    // Frames only help reading from a stream; still, one that leaves the file shows that the file is cut.
    const length = m.reader.u64();
    if (length > m.reader.remaining) throw m.error(`a frame of ${length} bytes does not fit the file`);
  },
};

const CONTAINERS: Record<string, Opcode> = {
  "}": (m) => m.pushNew(new Map()),
  "]": (m) => m.pushNew([]),
  ")": (m) => m.pushNew(new PickleTuple([])),
  "\x8f": (m) => m.pushNew(new Set()),
  d: (m) => {
    const items = m.popMark();
    const dict: PickleDict = new Map();
    setItems(m, dict, items);
    m.pushNew(dict);
  },
  l: (m) => m.pushNew(m.popMark()),
  t: (m) => m.pushNew(new PickleTuple(m.popMark())),
  "\x85": (m) => m.pushNew(new PickleTuple(m.popMany(1))),
  "\x86": (m) => m.pushNew(new PickleTuple(m.popMany(2))),
  "\x87": (m) => m.pushNew(new PickleTuple(m.popMany(3))),
  "\x91": (m) => {
    const set: PickleSet = new Set();
    addAll(m, set, m.popMark());
    m.pushNew(set);
  },
  a: (m) => {
    const [item] = m.popMany(1);
    append(m, [item!]);
  },
  e: (m) => append(m, m.popMark()),
  "\x90": (m) => addItems(m, m.popMark()),
  s: (m) => {
    const pair = m.popMany(2);
    setItems(m, m.peek(), pair);
  },
  u: (m) => {
    const items = m.popMark();
    setItems(m, m.peek(), items);
  },
};

const OBJECTS: Record<string, Opcode> = {
  c: (m) => {
    const module = lineText(m);
    m.pushNew(reference(m, module, lineText(m)));
  },
  "\x93": (m) => {
    const [module, name] = m.popMany(2);
    if (typeof module !== "string" || typeof name !== "string") throw m.error("a global whose name is no text");
    m.pushNew(reference(m, module, name));
  },
  R: (m) => {
    const [callable, args] = m.popMany(2);
    m.build(callable!, m.tupleItems(args!));
  },
  "\x81": (m) => {
    const [callable, args] = m.popMany(2);
    m.build(callable!, m.tupleItems(args!));
  },
  "\x92": (m) => {
    const [callable, args, keywords] = m.popMany(3);
    const none = keywords instanceof Map && keywords.size === 0;
    m.build(callable!, m.tupleItems(args!), none ? undefined : keywords);
  },
  i: (m) => {
    const module = lineText(m);
    const name = lineText(m);
    m.build(reference(m, module, name), m.popMark());
  },
  o: (m) => {
    const [callable, ...args] = m.popMark();
    if (callable === undefined) throw m.error("an object without a class");
    m.build(callable, args);
  },
  b: (m) => {
    const state = m.pop();
    setState(m, m.peek(), state);
  },
  P: (m) => m.persistent(lineText(m)),
  Q: (m) => m.persistent(m.pop()),
};

// Left out on purpose, so that they are refused: EXT1, EXT2, EXT4 (a registry of code) and NEXT_BUFFER, READONLY_BUFFER (data elsewhere).
const OPCODES: readonly (Opcode | undefined)[] = Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return NUMBERS[character] ?? TEXTS[character] ?? STACK[character] ?? CONTAINERS[character] ?? OBJECTS[character];
});

/** INT writes booleans as 00 and 01. */
function parseInteger(line: Uint8Array): number | bigint | boolean {
  if (line.length === 2 && line[0] === 0x30 && (line[1] === 0x30 || line[1] === 0x31)) return line[1] === 0x31;
  return parseDecimal(line);
}

function text(m: PickleMachine, length: number): string {
  return decodeUtf8(m.reader.take(length), FORMAT, "a string");
}

/** Python 2 wrote text as bytes of an unstated encoding: UTF-8 when it is, else Latin-1. */
function byteString(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes, FORMAT, "a string");
  } catch {
    return decodeLatin1(bytes);
  }
}

function lineText(m: PickleMachine): string {
  return decodeUtf8(m.reader.line(), FORMAT, "a name");
}

/** Names are joined and hashed, so a long one that the memo repeats would cost what the file does not. */
function reference(m: PickleMachine, module: string, name: string): Inert {
  if (module.length + name.length > MAX_NAME_LENGTH) throw m.error("a global with an endless name");
  return new Inert(globalName(module, name));
}

function memoKey(m: PickleMachine): number {
  const key = parseDecimal(m.reader.line());
  if (typeof key !== "number" || key < 0) throw m.error("a memo number that is none");
  return key;
}

function append(m: PickleMachine, items: readonly PickleValue[]): void {
  const target = m.peek();
  if (target instanceof Inert) target.items ??= [];
  const list = target instanceof Inert ? target.items : target;
  if (!Array.isArray(list)) throw m.error("elements are appended to something that is no list");
  for (const item of items) list.push(item);
}

function addItems(m: PickleMachine, items: readonly PickleValue[]): void {
  const target = m.peek();
  if (!(target instanceof Set)) {
    append(m, items);
    return;
  }
  addAll(m, target, items);
}

function addAll(m: PickleMachine, set: PickleSet, items: readonly PickleValue[]): void {
  for (const item of items) {
    m.countKey(item);
    set.add(item);
  }
}

function setItems(m: PickleMachine, target: PickleValue, items: readonly PickleValue[]): void {
  if (target instanceof Inert) target.entries ??= new Map();
  const dict = target instanceof Inert ? target.entries : target;
  if (!(dict instanceof Map)) throw m.error("entries are set in something that is no dict");
  if (items.length % 2 !== 0) throw m.error("a dict gets a key without a value");
  for (let i = 0; i < items.length; i += 2) {
    m.countKey(items[i]!);
    dict.set(items[i]!, items[i + 1]!);
  }
}

function setState(m: PickleMachine, target: PickleValue, state: PickleValue): void {
  if (target instanceof Inert) target.state = state;
  else if (target instanceof PickleExtension) target.setState(state);
  // An OrderedDict's attributes (state_dict keeps module versions in `_metadata`) carry no weights.
  else if (!(target instanceof Map)) throw m.error("attributes are set on something that has none");
}
