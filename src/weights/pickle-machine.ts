// The stack machine that a pickle programs: stack, marks and memo, each bounded. What the opcodes do with it is in pickle.ts.
import { FormatError, LimitError } from "../errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { buildPlain, hashes, isPlain } from "./pickle-globals.ts";
import { Inert, PickleTuple, type PickleValue } from "./pickle-values.ts";

const FORMAT = "pickle";

/** What a format built on pickles adds. Both hooks only ever see data. */
export interface PickleHooks {
  /** Rebuilds `name(*args)`; undefined when the name is unknown, which leaves an inert placeholder. */
  readonly build?: (name: string, args: readonly PickleValue[]) => PickleValue | undefined;
  /** Turns a persistent id into a value. Without it, persistent ids are an error. */
  readonly persistent?: (id: PickleValue) => PickleValue;
}

/** Ceilings on what a pickle may make: a byte of a pickle can cost a few hundred bytes of memory. */
export interface PickleLimits {
  /** Opcodes executed. */
  readonly operations: number;
  /** Containers, byte strings and placeholders made. */
  readonly objects: number;
}

// A JavaScript Map or Set holds at most 2^24 entries, and an opcode adds at most one to the memo or to a container.
export const DEFAULT_PICKLE_LIMITS: PickleLimits = { operations: 16_000_000, objects: 2_000_000 };

/**
 * Engines know by heart what a number hashes to, so a file can be made of large ones that all meet in one place of a Map, and each then costs as much as
 * there are. Texts are hashed with a secret. Small whole numbers are too few for that.
 */
const MOST_LARGE_KEYS = 20_000;

export class PickleMachine {
  readonly reader: ByteReader;
  /** Names of the unknown globals that were "called". */
  readonly foreign = new Set<string>();
  readonly #hooks: PickleHooks;
  readonly #limits: PickleLimits;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #largeKeys = 0;
  #operations = 0;
  #objects = 0;
  #copied = 0;

  constructor(bytes: Uint8Array, start: number, hooks: PickleHooks, limits: PickleLimits) {
    this.reader = new ByteReader(bytes, FORMAT, start);
    this.#hooks = hooks;
    this.#limits = limits;
  }

  /** What to throw about a malformed pickle. */
  error(problem: string): FormatError {
    return new FormatError(FORMAT, `${problem} (before byte ${this.reader.position})`);
  }

  countOperation(): void {
    if (++this.#operations > this.#limits.operations)
      throw new LimitError("pickle opcodes", this.#operations, this.#limits.operations, "opcodes");
  }

  countObject(): void {
    if (++this.#objects > this.#limits.objects)
      throw new LimitError("objects in a pickle", this.#objects, this.#limits.objects, "objects");
  }

  /** A key of a dict, or an element of a set, before it goes in. */
  countKey(key: PickleValue): void {
    if ((typeof key === "bigint" || (typeof key === "number" && !isSmall(key))) && ++this.#largeKeys > MOST_LARGE_KEYS)
      throw new LimitError("keys in a pickle that are large numbers", this.#largeKeys, MOST_LARGE_KEYS, "keys");
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  /** Pushes a container, byte string or placeholder, which counts against the limit. */
  pushNew(value: PickleValue): void {
    this.countObject();
    this.#stack.push(value);
  }

  /** The top of the stack; nothing below the last mark can be reached. */
  peek(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw this.error("an opcode finds the stack empty");
    return this.#stack.at(-1)!;
  }

  pop(): PickleValue {
    const value = this.peek();
    this.#stack.pop();
    return value;
  }

  popMany(count: number): PickleValue[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) throw this.error("an opcode finds the stack too short");
    return this.#stack.splice(this.#stack.length - count, count);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** Everything since the last mark, which is removed with it. */
  popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.error("an opcode finds no mark");
    return this.#stack.splice(mark);
  }

  /** POP: drops a mark when one is on top, as CPython does. */
  drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  remember(key: number): void {
    if (!isSmall(key)) throw this.error(`a memo number of ${key}`);
    this.#memo.set(key, this.peek());
  }

  memoize(): void {
    this.remember(this.#memo.size);
  }

  recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.error(`there is no memo ${key}`);
    this.#stack.push(value);
  }

  persistent(id: PickleValue): void {
    if (this.#hooks.persistent === undefined) throw this.error("a persistent id where none is expected");
    this.#stack.push(this.#hooks.persistent(id));
  }

  /** "Calls" a global: known plain containers and the hooks build data, everything else becomes a placeholder. */
  build(callable: PickleValue, args: readonly PickleValue[], keywords?: PickleValue): void {
    if (!(callable instanceof Inert)) throw this.error("a call of something that is no global");
    const known = callable.args === undefined && keywords === undefined ? this.#known(callable.name, args) : undefined;
    if (known !== undefined) {
      this.pushNew(known);
      return;
    }
    this.foreign.add(callable.name);
    const placeholder = new Inert(callable.name, args);
    placeholder.keywords = keywords;
    this.pushNew(placeholder);
  }

  #known(name: string, args: readonly PickleValue[]): PickleValue | undefined {
    const rebuilt = this.#hooks.build?.(name, args);
    if (rebuilt !== undefined || !isPlain(name)) return rebuilt;
    // list(x) copies, and the memo can name the same x again and again: all copies together may not outgrow the input.
    this.#copied += args.reduce<number>((sum, arg) => sum + sizeOf(arg), 0);
    const limit = 2 * this.reader.bytes.length + 1024;
    if (this.#copied > limit) throw new LimitError("elements copied in a pickle", this.#copied, limit, "elements");
    if (hashes(name)) for (const arg of args) for (const key of keysIn(arg)) this.countKey(key);
    return buildPlain(name, args);
  }

  /** The end: exactly one value, no open mark. */
  finish(): PickleValue {
    const value = this.pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) throw this.error("STOP leaves values on the stack");
    return value;
  }

  tupleItems(value: PickleValue): readonly PickleValue[] {
    if (!(value instanceof PickleTuple)) throw this.error("arguments that are no tuple");
    return value.items;
  }
}

const isSmall = (key: number): boolean => key === (key | 0);

/** What a dict or a set would be made of. */
function* keysIn(value: PickleValue): Iterable<PickleValue> {
  if (value instanceof Map) yield* value.keys();
  const items = value instanceof PickleTuple ? value.items : value;
  if (!Array.isArray(items) && !(items instanceof Set)) return;
  for (const item of items as Iterable<PickleValue>) {
    yield item;
    const pair = item instanceof PickleTuple ? item.items : item;
    if (!Array.isArray(pair) && !(pair instanceof Set)) continue;
    const [key] = pair as Iterable<PickleValue>;
    if (key !== undefined) yield key;
  }
}

function sizeOf(value: PickleValue): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  if (value instanceof Map || value instanceof Set) return value.size;
  return value instanceof PickleTuple ? value.items.length : 0;
}
