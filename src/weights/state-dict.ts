// From an unpickled checkpoint to named tensors: which of its entries holds the model, and under which names.
// Training code wraps a state dict in many ways ({"model": ..., "optimizer": ...}, {"state_dict": ...}, data-parallel and compiled prefixes);
// optimizer states, configurations and foreign classes are stepped over.
import { FormatError, LimitError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import { compositeParts } from "./composite.ts";
import { FileTensor } from "./file-tensor.ts";
import { Inert, type PickleDict, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { quote } from "./quote.ts";
import { unreadKind } from "./torch-tensor.ts";
import { stripWrapperPrefixes } from "./wrapper-prefixes.ts";

const FORMAT = "checkpoint";

/** The entries that hold a model's weights, most usual first: the first that is there and holds tensors is taken. */
export const MODEL_ENTRIES: readonly string[] = [
  "model",
  "state_dict",
  "model_state_dict",
  "model_state",
  "module",
  "net",
  "network",
  "weights",
  "params",
  "model_ema",
  "state_dict_ema",
  "model_ema_state_dict",
  "ema_state_dict",
  "ema",
  "params_ema",
  "state_dict_backbone",
  "icnn",
];

const MAX_DEPTH = 100;
const MAX_VISITS = 2_000_000;
const MAX_PATH_LENGTH = 4096;
const MAX_TENSORS = 200_000;
const MAX_PATHS_LENGTH = 2 ** 26;

export interface StateDict {
  /** Names as the model knows them: prefixes that wrappers add are gone. */
  readonly tensors: Map<string, TensorData>;
  /** Path of the entry that was used, "" for the file's top level; of a composite checkpoint, all its parts. */
  readonly entry: string;
  /** Other entries that hold tensors and could have been meant. */
  readonly otherCandidates: readonly string[];
  /** Prefixes that were removed from the names. */
  readonly strippedPrefixes: readonly string[];
  /** Tensors that were left out, because nothing here reads their kind: name and kind. */
  readonly unread: ReadonlyMap<string, string>;
}

/**
 * Finds the model's weights in a checkpoint: all parts of a composite one (composite.ts), else the first of MODEL_ENTRIES that holds tensors (looked for again inside it), else the top
 * level when it holds tensors itself, else its only entry that does.
 * @param root `readTorch(...).root`
 * @param options.entry takes this dotted path instead of looking, such as "model_ema".
 * @throws FormatError when there are no tensors, or several entries of unknown names hold some: the message lists them.
 */
export function findStateDict(root: PickleValue, options: { entry?: string } = {}): StateDict {
  const parts = options.entry === undefined ? compositeParts(root) : undefined;
  if (parts !== undefined) return joinParts(parts);
  const found =
    options.entry === undefined ? locate(root) : { entry: options.entry, value: follow(root, options.entry) };
  const { tensors, strippedPrefixes, unread } = readModel(found.value, found.entry);
  const otherCandidates = candidates(root).filter((name) => name !== found.entry.split(".")[0]);
  return { tensors, entry: found.entry, otherCandidates, strippedPrefixes, unread };
}

/** Each part's tensors behind its name, "fc.rnn.weight_ih_l0"; wrappers' prefixes go part by part. */
function joinParts(parts: ReadonlyMap<string, PickleDict>): StateDict {
  const tensors = new Map<string, TensorData>();
  const unread = new Map<string, string>();
  const stripped = new Set<string>();
  for (const [part, dict] of parts) {
    const found = readModel(dict, part);
    for (const [name, tensor] of found.tensors) tensors.set(`${part}.${name}`, tensor);
    for (const [name, kind] of found.unread) unread.set(`${part}.${name}`, kind);
    for (const prefix of found.strippedPrefixes) stripped.add(prefix);
  }
  const entry = [...parts.keys()].join(", ");
  return { tensors, entry, otherCandidates: [], strippedPrefixes: [...stripped], unread };
}

/** The tensors of one entry without wrappers' prefixes. Throws FormatError when there are none. */
function readModel(value: PickleValue, entry: string): Pick<StateDict, "tensors" | "strippedPrefixes" | "unread"> {
  const { tensors, unread } = flattenTensors(value);
  if (tensors.size === 0) throw new FormatError(FORMAT, `the entry ${quote(entry)} holds no tensors`);
  return { ...stripWrapperPrefixes(tensors), unread };
}

/**
 * All tensors under dicts, lists and tuples by their full dotted path, such as "model.feat_extractor.conv1.weight"; list elements are
 * numbered. Nothing is stripped or left out but what lies inside foreign objects.
 * @throws FormatError when two tensors have the same path; LimitError for nesting without end.
 */
export function flattenTensors(root: PickleValue): Pick<StateDict, "tensors" | "unread"> {
  const tensors = new Map<string, TensorData>();
  const unread = new Map<string, string>();
  let characters = 0;
  for (const [path, tensor] of walkTensors(root)) {
    characters += path.length;
    if (characters > MAX_PATHS_LENGTH)
      throw new LimitError("the paths of all tensors", characters, MAX_PATHS_LENGTH, "characters");
    const known = tensors.size + unread.size;
    if (known >= MAX_TENSORS) throw new LimitError("tensors", known + 1, MAX_TENSORS, "tensors");
    if (tensors.has(path)) throw new FormatError(FORMAT, `two tensors have the path ${quote(path)}`);
    const kind = tensor instanceof FileTensor ? tensor.unread : unreadKind(tensor);
    if (kind !== undefined) unread.set(path, kind);
    else tensors.set(path, (tensor as FileTensor).read());
  }
  return { tensors, unread };
}

/** A tensor, or what stands for one of a kind that is not read. */
function isTensor(value: PickleValue): value is FileTensor | Inert {
  return value instanceof FileTensor || (value instanceof Inert && unreadKind(value) !== undefined);
}

interface Step {
  readonly path: string;
  readonly container: PickleValue;
  readonly children: Iterator<[string, PickleValue]>;
}

/** Depth first with a stack of its own. A container inside itself is not entered again; one that is shared is, hence the visits' bound. */
function* walkTensors(root: PickleValue): Generator<[string, FileTensor | Inert]> {
  if (isTensor(root)) yield ["", root];
  const stack: Step[] = [{ path: "", container: root, children: childrenOf(root) }];
  const open = new Set<PickleValue>([root]);
  for (let visits = 0; stack.length > 0; visits++) {
    if (visits > MAX_VISITS) throw new LimitError("entries of a checkpoint", visits, MAX_VISITS, "entries");
    const step = stack.at(-1)!;
    const next = step.children.next();
    if (next.done === true) {
      open.delete(step.container);
      stack.pop();
      continue;
    }
    const [key, child] = next.value;
    if (!isTensor(child) && (!isContainer(child) || open.has(child))) continue;
    const path = step.path === "" ? key : `${step.path}.${key}`;
    if (path.length > MAX_PATH_LENGTH)
      throw new LimitError("the path of a tensor", path.length, MAX_PATH_LENGTH, "characters");
    if (isTensor(child)) {
      yield [path, child];
      continue;
    }
    if (stack.length >= MAX_DEPTH)
      throw new LimitError("nesting of a checkpoint", stack.length + 1, MAX_DEPTH, "levels");
    open.add(child);
    stack.push({ path, container: child, children: childrenOf(child) });
  }
}

function isContainer(value: PickleValue): value is PickleDict | PickleValue[] | PickleTuple {
  return value instanceof Map || Array.isArray(value) || value instanceof PickleTuple;
}

function* childrenOf(value: PickleValue): Generator<[string, PickleValue]> {
  if (value instanceof Map) {
    for (const [key, child] of value)
      if (typeof key === "string" || typeof key === "number" || typeof key === "bigint") yield [String(key), child];
    return;
  }
  const items = value instanceof PickleTuple ? value.items : value;
  if (!Array.isArray(items)) return;
  for (const [i, child] of items.entries()) yield [String(i), child];
}

/** Containers that were searched for tensors, and whether there are any below: the same one may lie under any number of names. */
type Searched = Map<PickleValue, boolean>;

/** Whether tensors lie anywhere below. No container is searched twice. */
function holdsTensors(root: PickleValue, searched: Searched): boolean {
  if (root instanceof FileTensor) return true;
  const known = searched.get(root);
  if (known !== undefined) return known;
  const stack = [{ container: root, children: childrenOf(root) }];
  searched.set(root, false);
  while (stack.length > 0) {
    const next = stack.at(-1)!.children.next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    const child = next.value[1];
    if (child instanceof FileTensor || searched.get(child) === true) {
      for (const { container } of stack) searched.set(container, true);
      return true;
    }
    if (!isContainer(child) || searched.has(child)) continue;
    searched.set(child, false);
    stack.push({ container: child, children: childrenOf(child) });
  }
  return false;
}

/** Top-level entries that hold tensors and are not an optimizer's, a schedule's or a gradient scaler's. */
function candidates(root: PickleValue): string[] {
  if (!(root instanceof Map)) return [];
  const names: string[] = [];
  const searched: Searched = new Map();
  for (const [key, value] of root)
    if (
      typeof key === "string" &&
      isContainer(value) &&
      !/optim|sched|scaler|rng/i.test(key) &&
      holdsTensors(value, searched)
    )
      names.push(key);
  return names;
}

function locate(root: PickleValue): { entry: string; value: PickleValue } {
  let value = root;
  let entry = "";
  const searched: Searched = new Map();
  // A wrapper in a wrapper is real ({"state_dict": {"model": ...}}), more than a few are not.
  for (let level = 0; level < 4; level++) {
    const dict = value;
    if (!(dict instanceof Map)) break;
    const name = MODEL_ENTRIES.find((known) => {
      const inner = dict.get(known);
      return inner instanceof Map && holdsTensors(inner, searched);
    });
    if (name === undefined) break;
    value = dict.get(name)!;
    entry = entry === "" ? name : `${entry}.${name}`;
  }
  if (entry !== "") return { entry, value };
  if (root instanceof Map && [...root.values()].some((child) => child instanceof FileTensor)) {
    // Only what lies at the top level: beside bare tensors a nested dict is an optimizer or bookkeeping.
    return { entry: "", value: new Map([...root].filter(([, child]) => isTensor(child))) };
  }
  const names = candidates(root);
  const [only] = names;
  if (names.length === 1 && root instanceof Map) return { entry: only!, value: root.get(only!)! };
  if (names.length > 1)
    throw new FormatError(
      FORMAT,
      `several entries hold tensors and none has a usual name: ${names.slice(0, 20).map(quote).join(", ")}`,
      {
        hint: "say which entry holds the model",
        data: { candidates: names },
      },
    );
  if (holdsTensors(root, searched))
    throw new FormatError(
      FORMAT,
      "the tensors have no names: they lie in a list, or beside each other in the optimizer's state",
    );
  throw noTensors(root);
}

function noTensors(root: PickleValue): FormatError {
  const whole = [root, ...(root instanceof Map ? root.values() : [])].find((value) => value instanceof Inert);
  if (whole instanceof Inert)
    return new FormatError(
      FORMAT,
      `no tensors, but an object of the class ${quote(whole.name)}, which is never constructed`,
      {
        hint: "save the weights alone: torch.save(model.state_dict(), FILE)",
      },
    );
  return new FormatError(FORMAT, "the file holds no tensors");
}

/** The value at a dotted path. Keys may contain dots, so the longest key that fits is taken first. */
function follow(root: PickleValue, path: string): PickleValue {
  let value: PickleValue | undefined = root;
  let rest = path;
  while (rest !== "" && value instanceof Map) {
    const dict: PickleDict = value;
    const parts = rest.split(".");
    const taken = parts.map((_, i) => parts.slice(0, parts.length - i).join(".")).find((key) => dict.has(key));
    if (taken === undefined) {
      value = undefined;
      break;
    }
    value = dict.get(taken);
    rest = rest.slice(taken.length + 1);
  }
  if (value === undefined || rest !== "")
    throw new FormatError(FORMAT, `there is no entry ${quote(path)}`, {
      data: { candidates: candidates(root) },
      hint: `entries that hold tensors: ${candidates(root).slice(0, 20).map(quote).join(", ") || "none"}`,
    });
  return value;
}
