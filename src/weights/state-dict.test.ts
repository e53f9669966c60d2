import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { FormatError, LimitError } from "../errors.ts";
import { bytesOf } from "../tensor.ts";
import { Inert, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { findStateDict, flattenTensors } from "./state-dict.ts";
import { readTorch } from "./torch.ts";
import { CopyBudget, TorchStorage, TorchTensor } from "./torch-tensor.ts";

const LARGE = resolve(import.meta.dirname, "../../../shared/goldens/checkpoints");

/** A tensor of one element. */
function scalar(value: number): TorchTensor {
  const bytes = new Uint8Array(new Float32Array([value]).buffer);
  const source = { byteLength: 4, bytes: () => bytes };
  return new TorchTensor(
    new TorchStorage({ dtype: "float32", itemBytes: 4 }, source, 0, 4, new CopyBudget(0)),
    "float32",
    0,
    [],
    [],
  );
}

const dict = (entries: Record<string, PickleValue>): PickleValue => new Map(Object.entries(entries));
const values = (tensors: ReadonlyMap<string, { data: ArrayLike<number | bigint> }>) =>
  Object.fromEntries([...tensors].map(([name, { data }]) => [name, data[0]]));
const optimizer = dict({ state: new Map([[0, dict({ exp_avg: scalar(9) })]]), param_groups: [dict({ lr: 0.1 })] });

describe("findStateDict", () => {
  test.each<[string, PickleValue, string, string[]]>([
    ["the top level", dict({ w: scalar(1), b: scalar(2) }), "", []],
    ["the top level beside other things", dict({ w: scalar(1), b: scalar(2), epoch: 3, optimizer }), "", []],
    ["model", dict({ optimizer, model: dict({ w: scalar(1), b: scalar(2) }), clip: scalar(7) }), "model", []],
    ["state_dict", dict({ state_dict: dict({ w: scalar(1), b: scalar(2) }), epoch: 1 }), "state_dict", []],
    [
      "model before its average",
      dict({ model_ema: dict({ w: scalar(8) }), model: dict({ w: scalar(1), b: scalar(2) }) }),
      "model",
      ["model_ema"],
    ],
    ["an average alone", dict({ model_ema: dict({ w: scalar(1), b: scalar(2) }) }), "model_ema", []],
    [
      "a wrapper in a wrapper",
      dict({ state_dict: dict({ model: dict({ w: scalar(1), b: scalar(2) }) }) }),
      "state_dict.model",
      [],
    ],
    [
      "an entry of an unknown name",
      dict({ backbone: dict({ w: scalar(1), b: scalar(2) }), optimizer }),
      "backbone",
      [],
    ],
    ["an empty known entry", dict({ model: dict({}), net: dict({ w: scalar(1), b: scalar(2) }) }), "net", []],
  ])("takes %s", (_, root, entry, otherCandidates) => {
    const found = findStateDict(root);
    expect(values(found.tensors)).toEqual({ w: 1, b: 2 });
    expect(found).toMatchObject({ entry, otherCandidates, strippedPrefixes: [] });
  });

  test("containers that lie under many names are searched once, and endless names are taken as they are", () => {
    let searches = 0;
    class Counted extends Array<PickleValue> {
      override entries() {
        searches++;
        return super.entries();
      }
    }
    const holds = Counted.from<PickleValue>([1, scalar(1)]);
    const barren = Counted.from<PickleValue>([1, 2]);
    const names = Array.from({ length: 50 }, (_, i) => [`n${i}`, i % 2 === 0 ? holds : barren] as const);
    expect(() => findStateDict(new Map(names))).toThrow(/several entries hold tensors/);
    expect(searches).toBe(2);
    const endless = "a.".repeat(200_000);
    expect(findStateDict(dict({ [endless]: dict({ w: scalar(1) }) })).entry).toBe(endless);
  });

  test("takes the entry that is asked for", () => {
    const root = dict({ model: dict({ w: scalar(1) }), ema: dict({ "net.x": dict({ w: scalar(2) }) }) });
    expect(values(findStateDict(root, { entry: "ema.net.x" }).tensors)).toEqual({ w: 2 });
    expect(() => findStateDict(root, { entry: "emu" })).toThrow(/no entry "emu"/);
  });

  test("the parts of a GFNet side by side, wrappers' prefixes taken off part by part", () => {
    const wrapped = dict({ "module.w": scalar(1) });
    const part = dict({ w: scalar(1) });
    const root = dict({ model_prime_state_dict: wrapped, model_state_dict: wrapped, fc: part, policy: part });
    const found = findStateDict(root);
    expect(found).toMatchObject({
      entry: "model_prime_state_dict, model_state_dict, fc, policy",
      otherCandidates: [],
      strippedPrefixes: ["module."],
    });
    expect(Object.keys(values(found.tensors))).toEqual([
      "model_prime_state_dict.w",
      "model_state_dict.w",
      "fc.w",
      "policy.w",
    ]);
    expect(values(findStateDict(root, { entry: "fc" }).tensors)).toEqual({ w: 1 });
    expect(() => findStateDict(dict({ model_prime_state_dict: part, model_state_dict: dict({}), fc: part }))).toThrow(
      /"model_state_dict" holds no tensors/,
    );
    // Before its policy has learnt, a GFNet's checkpoint has none.
    expect(
      findStateDict(dict({ model_prime_state_dict: part, model_state_dict: part, fc: part, policy: null })),
    ).toMatchObject({ entry: "model_prime_state_dict, model_state_dict, fc" });
  });

  test("flattened, everything has its full path", () => {
    const part = dict({ w: scalar(1) });
    const root = dict({ model_prime_state_dict: part, model_state_dict: part, fc: part, policy: part });
    expect(values(flattenTensors(root).tensors)).toEqual({
      "model_prime_state_dict.w": 1,
      "model_state_dict.w": 1,
      "fc.w": 1,
      "policy.w": 1,
    });
  });

  test("strips what wrappers add, and only that", () => {
    const names = (...keys: string[]) => {
      const found = findStateDict(dict(Object.fromEntries(keys.map((key, i) => [key, scalar(i)]))));
      return [[...found.tensors.keys()], found.strippedPrefixes];
    };
    expect(names("module.a.w", "module.b")).toEqual([["a.w", "b"], ["module."]]);
    expect(names("module.a", "b")).toEqual([["module.a", "b"], []]);
    expect(names("_orig_mod.module.a.w")).toEqual([["a.w"], ["_orig_mod.", "module."]]);
    expect(names("module._orig_mod.a.w", "module._orig_mod.b")).toEqual([
      ["a.w", "b"],
      ["_orig_mod.", "module."],
    ]);
    expect(names("head._orig_mod.w", "x")).toEqual([["head.w", "x"], ["_orig_mod."]]);
    expect(() => names("a._orig_mod.w", "a.w")).toThrow(/two tensors are named "a\.w"/);
  });

  test.each<[string, PickleValue, RegExp]>([
    ["nothing", dict({}), /no tensors/],
    ["a number", 3, /no tensors/],
    ["an optimizer only", dict({ optimizer }), /no names/],
    [
      "several unknown entries",
      dict({ a: dict({ w: scalar(1) }), b: dict({ w: scalar(1) }) }),
      /several entries.*"a", "b"/,
    ],
    ["a whole model", new Inert("models.Net", []), /class "models\.Net"/],
    ["a list of tensors", [scalar(1)], /no names/],
    ["a lone tensor", scalar(1), /no names/],
  ])("refuses %s", (_, root, message) => {
    expect(() => findStateDict(root)).toThrow(FormatError);
    expect(() => findStateDict(root)).toThrow(message);
  });
});

describe("flattenTensors", () => {
  test("lists, tuples and numbers in paths; foreign objects are not entered", () => {
    const root = dict({ a: [scalar(1), new PickleTuple([scalar(2)])], o: new Inert("x.Y", [scalar(3)]), optimizer });
    expect(values(flattenTensors(root).tensors)).toEqual({ "a.0": 1, "a.1.0": 2, "optimizer.state.0.exp_avg": 9 });
  });

  test("two tensors of one path", () => {
    expect(() => flattenTensors(dict({ "a.b": scalar(1), a: dict({ b: scalar(2) }) }))).toThrow(/path "a\.b"/);
  });

  test("cycles end, shared containers appear under each path", () => {
    const shared = dict({ w: scalar(1) });
    const root = dict({ a: shared, b: shared }) as Map<string, PickleValue>;
    root.set("self", root);
    expect(values(flattenTensors(root).tensors)).toEqual({ "a.w": 1, "b.w": 1 });
    expect(() => findStateDict(root)).toThrow(/several entries/);
  });

  test("depth and doubling are bounded", () => {
    let deep: PickleValue = scalar(1);
    for (let i = 0; i < 1000; i++) deep = [deep];
    expect(() => flattenTensors(deep)).toThrow(LimitError);
    let doubling: PickleValue = [scalar(1)];
    for (let i = 0; i < 60; i++) doubling = [doubling, doubling];
    expect(() => flattenTensors(doubling)).toThrow(LimitError);
    expect(() => findStateDict(doubling)).toThrow(/no names/);
  });
});

test.skipIf(!existsSync(LARGE))("training checkpoints and prefixes lead to the same 82 tensors", () => {
  const found = [
    "torch113-zip-training.pth",
    "torch113-legacy-training.pth",
    "torch213-zip-training.pth",
    "module-prefix.pth.tar",
  ].map((name) => findStateDict(readTorch(readFileSync(join(LARGE, name))).root));
  expect(found.map(({ entry }) => entry)).toEqual(["model", "model", "model", "state_dict"]);
  expect(found[3]!.strippedPrefixes).toEqual(["module."]);
  for (const { tensors } of found) {
    expect(tensors.size).toBe(82);
    for (const [name, { shape, data }] of found[0]!.tensors) {
      expect(tensors.get(name)?.shape).toEqual(shape);
      expect(Buffer.compare(bytesOf(tensors.get(name)!.data), bytesOf(data))).toBe(0);
    }
  }
});

describe("tensors of kinds that are not read", () => {
  const rebuilt = (kind: string, ...args: PickleValue[]) => new Inert(`torch._utils._rebuild_${kind}`, args);

  test.each<[string, PickleValue, string]>([
    ["quantised", rebuilt("qtensor"), "quantised"],
    ["sparse", rebuilt("sparse_tensor"), "sparse"],
    ["eight bits of float", rebuilt("tensor_v3", null, new Inert("torch.float8_e4m3fn")), "float8_e4m3fn"],
    ["a parameter of one", rebuilt("parameter", rebuilt("qtensor"), true), "quantised"],
    ["a subclass", rebuilt("wrapper_subclass"), "of another class"],
  ])("%s: named, and the others are there", (_, tensor, kind) => {
    for (const root of [dict({ w: scalar(1), q: tensor }), dict({ state_dict: dict({ w: scalar(1), q: tensor }) })]) {
      const found = findStateDict(root);
      expect(values(found.tensors)).toEqual({ w: 1 });
      expect([...found.unread]).toEqual([["q", kind]]);
    }
  });

  test("other foreign objects are no tensors", () => {
    expect(findStateDict(dict({ w: scalar(1), hook: new Inert("os.system", ["true"]) })).unread.size).toBe(0);
  });
});

test("prefixes of sharded and checkpointed modules go wherever they are", () => {
  const root = dict({
    "_fsdp_wrapped_module.blocks.0._fsdp_wrapped_module._checkpoint_wrapped_module.w": scalar(1),
    "_fsdp_wrapped_module.my_orig_mod.b": scalar(2),
  });
  expect(Object.keys(values(findStateDict(root).tensors))).toEqual(["blocks.0.w", "my_orig_mod.b"]);
});
