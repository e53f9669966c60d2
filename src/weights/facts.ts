// What a checkpoint says beside its weights, as plain data: which model it is, at what size, how well it does. Only what is small is read.
import { toFloat64 } from "../tensor.ts";
import { FileTensor } from "./file-tensor.ts";
import { PickleTuple, type PickleValue } from "./pickle-values.ts";

/** A number, a text, or lists of them. */
export type CheckpointFact = string | number | boolean | readonly CheckpointFact[];
/** By the checkpoint's own names. */
export type CheckpointFacts = Readonly<Record<string, CheckpointFact>>;

const MAX_FACTS = 1000;
const MAX_TEXT = 1000;
const MAX_ELEMENTS = 100_000;
const MAX_DEPTH = 4;

/**
 * The top level's numbers, texts, and lists or small tensors of numbers. An entry that holds anything else, or too much, is left out whole.
 * @param root `readTorch(...).root`
 */
export function readFacts(root: PickleValue): CheckpointFacts {
  const facts: [string, CheckpointFact][] = [];
  if (!(root instanceof Map)) return {};
  const budget = { elements: MAX_ELEMENTS };
  for (const [key, value] of root) {
    if (typeof key !== "string" || key.length > MAX_TEXT || facts.length >= MAX_FACTS) continue;
    const fact = factOf(value, budget, MAX_DEPTH);
    if (fact !== undefined) facts.push([key, fact]);
  }
  return Object.fromEntries(facts);
}

function factOf(value: PickleValue, budget: { elements: number }, depth: number): CheckpointFact | undefined {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "string") return value.length <= MAX_TEXT ? value : undefined;
  if (value instanceof FileTensor && value.unread === undefined) return tensorFact(value, budget);
  const items = value instanceof PickleTuple ? value.items : value;
  if (!Array.isArray(items) || depth === 0 || items.length > budget.elements) return undefined;
  budget.elements -= items.length;
  const list: CheckpointFact[] = [];
  for (const item of items as readonly PickleValue[]) {
    const fact = factOf(item, budget, depth - 1);
    if (fact === undefined) return undefined;
    list.push(fact);
  }
  return list;
}

/** Nested lists as its shape says; a scalar is a number. */
function tensorFact(tensor: FileTensor, budget: { elements: number }): CheckpointFact | undefined {
  // Lists inside lists count too, though they be empty.
  const lists = tensor.shape.reduce((product, size) => product * Math.max(1, size), 1);
  const count = tensor.shape.includes(0) ? 0 : lists;
  if (tensor.shape.length > MAX_DEPTH || lists > budget.elements) return undefined;
  budget.elements -= lists;
  const values = toFloat64(tensor.read());
  const nest = (axis: number, start: number, size: number): CheckpointFact => {
    if (axis === tensor.shape.length) return values[start]!;
    const length = tensor.shape[axis]!;
    const part = length === 0 ? 0 : size / length;
    return Array.from({ length }, (_, i) => nest(axis + 1, start + i * part, part));
  };
  return nest(0, 0, count);
}
