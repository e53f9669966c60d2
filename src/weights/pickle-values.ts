// What a pickle may turn into here: plain data, and inert placeholders for everything else.

/** A value out of a pickle. Integers beyond 2^53 are bigint; dicts are Maps (keys compare by identity unless primitive). */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleTuple
  | PickleDict
  | PickleSet
  | Inert
  | PickleExtension;

export type PickleDict = Map<PickleValue, PickleValue>;
export type PickleSet = Set<PickleValue>;

/** A Python tuple (torch.Size included). */
export class PickleTuple {
  readonly kind = "tuple";
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/**
 * Stands for a global that this reader does not know, such as `os.system` or a configuration class. Nothing was imported, constructed
 * or called: it only records what the pickle asked for.
 */
export class Inert {
  readonly kind = "inert";
  /** "module.name" */
  readonly name: string;
  /** What it would have been called with; undefined for a mere reference to the global. */
  readonly args: readonly PickleValue[] | undefined;
  /** Keyword arguments (protocol 4). */
  keywords: PickleValue | undefined;
  /** What `__setstate__` or `__dict__` would have received. */
  state: PickleValue | undefined;
  /** Elements, where the class was filled like a list or a set. */
  items: PickleValue[] | undefined;
  /** Entries, where the class was filled like a dict. */
  entries: PickleDict | undefined;

  constructor(name: string, args?: readonly PickleValue[]) {
    this.name = name;
    this.args = args;
  }
}

/** Base of what a format built on pickles adds: torch.ts adds storages and tensors. */
export abstract class PickleExtension {
  abstract readonly kind: string;

  /** What `__setstate__` or `__dict__` would have received. A parameter's attributes carry no weights. */
  setState(_state: PickleValue): void {}
}
