// What checkpoints say beside their weights: plain data comes through, everything else is left out whole, and nothing is read without bound.
import { expect, test } from "vitest";
import { readFacts } from "./facts.ts";
import { Inert, PickleTuple, type PickleValue } from "./pickle-values.ts";
import { CopyBudget, TorchStorage, TorchTensor } from "./torch-tensor.ts";

const dict = (entries: Record<string, PickleValue>): PickleValue => new Map(Object.entries(entries));

function torchTensor(shape: number[], strides: number[], values: number[]): TorchTensor {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  const source = { byteLength: bytes.length, bytes: () => bytes };
  const storage = new TorchStorage({ dtype: "float32", itemBytes: 4 }, source, 0, bytes.length, new CopyBudget(1e6));
  return new TorchTensor(storage, "float32", 0, shape, strides);
}

test("numbers, texts, lists and small tensors", () => {
  const root = dict({
    model_name: "resnet50",
    patch_size: 96,
    flops: [1, 2.5],
    curve: new PickleTuple([[1, 2], [torchTensor([], [], [3])]]),
    dynamic_threshold: torchTensor([2, 2], [2, 1], [1, 2, 3, 4]),
    empty: torchTensor([0, 3], [3, 1], []),
    weights: dict({ w: torchTensor([1], [1], [1]) }),
    nothing: null,
  });
  expect(readFacts(root)).toEqual({
    model_name: "resnet50",
    patch_size: 96,
    flops: [1, 2.5],
    curve: [[1, 2], [3]],
    dynamic_threshold: [
      [1, 2],
      [3, 4],
    ],
    empty: [],
  });
  expect(readFacts([1, 2])).toEqual({});
});

test("what is foreign, deep or large is left out whole", () => {
  const endless: PickleValue[] = [];
  endless.push(endless);
  const root = dict({
    foreign: [1, new Inert("os.system", ["true"])],
    endless,
    deep: [[[[[1]]]]],
    long: "x".repeat(1001),
    many: new Array<number>(100_001).fill(0),
    fine: 1,
  });
  expect(readFacts(root)).toEqual({ fine: 1 });
});

test("lists share one budget", () => {
  const list = new Array<number>(60_000).fill(0);
  expect(Object.keys(readFacts(dict({ first: list, second: list, third: [1] })))).toEqual(["first", "third"]);
});

test("lists of empty lists count too", () => {
  const root = dict({ hollow: torchTensor([200_000, 0], [0, 1], []), fine: 1 });
  expect(readFacts(root)).toEqual({ fine: 1 });
});
