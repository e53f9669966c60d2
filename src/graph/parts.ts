// A model's parts, from the paths that its nodes and weights carry: any quantity (weights, products, milliseconds) that is known by path, summed
// over as many parts as a person can take in.
import type { Tensor } from "./tensor.ts";

/** A quantity and where in the model it is: "layers.3.attn.qkv". */
export type AtPath = readonly [path: string, value: number];

/** A part that holds more of the whole than this says too little: its own parts are shown. */
const DOMINANT = 0.75;
/** So does the model's only list of layers, when it holds more than this. */
const NOTABLE = 0.1;

/**
 * The path of each node. Glue that was made outside of any named layer (a residual sum, an attention's product) belongs to the layer that ran
 * before it.
 *
 * @param nodes in execution order, weights and inputs among them
 */
export function nodePaths(nodes: readonly Tensor[]): Map<Tensor, string> {
  let last = "";
  return new Map(
    nodes.map((node) => {
      if (node.inputs.length === 0) return [node, node.path];
      if (node.path !== "") last = node.path;
      return [node, last];
    }),
  );
}

/**
 * The paths of a model's parts, in the order in which they first appear: beginnings of the given paths, of which no two hold the same entry.
 *
 * @param depth how many names of a path make a part. Default: one, and more for the model's list of layers ("layers.0", "layers.1", …), if
 *   it has one, and for what holds more than three quarters of the whole.
 */
export function choosePartPaths(entries: Iterable<AtPath>, depth?: number): string[] {
  const root: Branch = { path: "", total: 0, isEntry: false, children: new Map() };
  for (const [path, value] of entries) grow(root, path, value);
  const lists = open(root).filter((part) => isList(part) && part.total > NOTABLE * root.total);
  const onlyList = lists.length === 1 ? lists[0] : undefined;
  const isTooCoarse = (part: Branch) =>
    depth === undefined ? part === onlyList || holdsNearlyAll(part, root.total) : part.path.split(".").length < depth;
  let parts = open(root);
  const next = () => parts.findIndex((part) => part.children.size > 0 && isTooCoarse(part));
  for (let at = next(); at >= 0; at = next()) parts = parts.flatMap((part, i) => (i === at ? open(part) : [part]));
  return parts.map(({ path }) => path);
}

function isList({ children }: Branch): boolean {
  return children.size > 0 && [...children.keys()].every((name) => /^\d+$/.test(name));
}

function holdsNearlyAll({ total, children }: Branch, whole: number): boolean {
  return total > DOMINANT * whole && [...children.values()].some((child) => child.total > 0);
}

/** What each part holds: an entry belongs to the longest part path that its own path begins with. What belongs nowhere is under "". */
export function sumByPart(parts: readonly string[], entries: Iterable<AtPath>): Map<string, number> {
  const sums = new Map(parts.map((part) => [part, 0]));
  for (const [path, value] of entries) {
    let part = path;
    while (part !== "" && !sums.has(part)) part = part.slice(0, Math.max(0, part.lastIndexOf(".")));
    sums.set(part, (sums.get(part) ?? 0) + value);
  }
  return sums;
}

interface Branch {
  readonly path: string;
  total: number;
  /** Whether an entry has this very path, and not one below it. */
  isEntry: boolean;
  readonly children: Map<string, Branch>;
}

function grow(root: Branch, path: string, value: number): void {
  let at = root;
  at.total += value;
  for (const name of path === "" ? [] : path.split(".")) {
    const below = at.path === "" ? name : `${at.path}.${name}`;
    const child = at.children.get(name) ?? { path: below, total: 0, isEntry: false, children: new Map() };
    at.children.set(name, child);
    child.total += value;
    at = child;
  }
  at.isEntry = true;
}

/** A part as its own parts; what only the whole has stays under its name. */
function open({ path, isEntry, children }: Branch): Branch[] {
  const own: Branch = { path, total: 0, isEntry, children: new Map() };
  return [...(isEntry ? [own] : []), ...children.values()];
}
