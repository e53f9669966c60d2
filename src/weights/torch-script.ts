// A TorchScript archive's weights: its pickle is a tree of modules, whose attributes are tensors and more modules. The compiled program beside it is
// never looked at. OpenAI publishes its CLIPs like this.
import { LimitError } from "../errors.ts";
import { Inert, type PickleDict, type PickleValue } from "./pickle-values.ts";
import { TorchTensor, unreadKind } from "./torch-tensor.ts";

const MODULE = "__torch__.";
const MAX_DEPTH = 100;
const MAX_MODULES = 200_000;

/** Whether a foreign name is that of a compiled module's class. */
export const isModuleName = (name: string): boolean => name.startsWith(MODULE);

/**
 * The tensors of a tree of modules, by their dotted paths, as a state dict has them. What is no module at all comes back as it is.
 *
 * @throws LimitError for nesting without end
 */
export function moduleTensors(root: PickleValue): PickleValue {
  if (attributesOf(root) === undefined) return root;
  const tensors: PickleDict = new Map();
  const open: { readonly path: string; readonly depth: number; readonly value: PickleValue }[] = [
    { path: "", depth: 0, value: root },
  ];
  for (let modules = 0; open.length > 0; modules++) {
    if (modules > MAX_MODULES)
      throw new LimitError("modules of a TorchScript archive", modules, MAX_MODULES, "modules");
    const { path, depth, value } = open.pop()!;
    if (depth > MAX_DEPTH) throw new LimitError("nesting of a TorchScript archive", depth, MAX_DEPTH, "levels");
    const children: typeof open = [];
    for (const [name, child] of attributesOf(value)!) {
      if (typeof name !== "string") continue;
      if (isTensor(child)) tensors.set(path + name, child);
      else if (attributesOf(child) !== undefined)
        children.push({ path: `${path}${name}.`, depth: depth + 1, value: child });
    }
    open.push(...children.reverse());
  }
  return tensors;
}

/** Also of a kind that is not read, which is named later. */
function isTensor(value: PickleValue): boolean {
  return value instanceof TorchTensor || (value instanceof Inert && unreadKind(value) !== undefined);
}

function attributesOf(value: PickleValue): PickleDict | undefined {
  return value instanceof Inert && isModuleName(value.name) && value.state instanceof Map ? value.state : undefined;
}
