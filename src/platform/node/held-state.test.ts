import type * as Ort from "onnxruntime-web";
import { expect, test } from "vitest";
import { readOnnx } from "../../onnx/read.ts";
import { HeldState, outputLocations } from "../engine/held-state.ts";
import { openEngine } from "./engine.ts";
import { engineSection } from "./engine-section.ts";

/** As much of a tensor as a state looks at; on a card it counts how often it is let go. */
function stub(location: "cpu" | "gpu-buffer", name: string) {
  const value = {
    ...{ name, location, type: "float32", dims: [2], disposed: 0 },
    dispose() {
      value.disposed += 1;
    },
  };
  return value as typeof value & Ort.Tensor;
}

const never = () => Promise.reject(new Error("nothing to fetch"));

test("state of a processor is handed out as it is", async () => {
  const held = new HeldState({ a: "next.a", b: "next.b" }, never);
  expect([held.has("a"), held.has("next.a"), held.has("toString")]).toEqual([true, false, false]);
  expect(held.outputs).toEqual(["next.a", "next.b"]);
  const [first, second] = [stub("cpu", "first"), stub("cpu", "second")];
  held.set("a", first);
  expect(held.tensors).toEqual({ a: first });
  held.take({ "next.a": second, "next.b": first });
  // What was never set is left out.
  expect([...(await held.read(["b", "a", "c"])).values()]).toEqual([first, second]);
  held.release();
  expect([first.disposed, second.disposed, Object.keys(held.tensors)]).toEqual([0, 0, []]);
});

test("state on a card is let go when it is replaced, and read back by a model that copies it", async () => {
  const copied = stub("cpu", "copied");
  const held = new HeldState({ a: "next.a", b: "next.b" }, async (model, feeds) => {
    const { inputs, outputs } = readOnnx(model);
    expect(inputs.map(({ name, shape }) => [name, shape])).toEqual([["0", [2]]]);
    expect(feeds).toEqual({ 0: latest });
    return { [outputs[0]!.name]: copied };
  });
  const [old, latest, near] = [stub("gpu-buffer", "old"), stub("gpu-buffer", "latest"), stub("cpu", "near")];
  held.take({ "next.a": old, "next.b": near });
  held.take({ "next.a": latest, "next.b": near });
  expect([old.disposed, latest.disposed]).toEqual([1, 0]);
  expect(await held.read(["a", "b"])).toEqual(
    new Map([
      ["a", copied],
      ["b", near],
    ]),
  );
  // It goes on from what is on the card.
  expect(held.tensors.a).toBe(latest);
  held.release();
  expect([latest.disposed, near.disposed]).toEqual([1, 0]);
});

test("only what is carried stays on the card", () => {
  expect(outputLocations({})).toEqual({});
  expect(outputLocations({ a: "next.a" })).toEqual({ preferredOutputLocation: { "next.a": "gpu-buffer" } });
});

test("memory of a card is let go in the worker's turn only, also where state is fed anew", async () => {
  const section = engineSection();
  const turns: number[] = [];
  const onCard = { ...stub("gpu-buffer", "onCard"), dispose: () => turns.push(Atomics.load(section.turn, 0)) };
  const value = (name: string) => ({ name, isTensor: true, type: "float32", shape: [2] });
  const session = {
    ...{ inputMetadata: [value("a")], outputMetadata: [value("next.a")] },
    run: async () => ({ "next.a": onCard }),
    release: async () => undefined,
  };
  const native = {
    ...{ env: { versions: { node: "0" } }, InferenceSession: { create: async () => session } },
    Tensor: class {
      readonly location = "cpu";
    },
  };
  const engine = await openEngine(new Uint8Array(1), {
    ...{ device: "webgpu", threads: 1, section, state: { a: "next.a" }, tracePrefix: undefined },
    loaders: {
      native: async () => native as unknown as typeof Ort,
      wasm: () => Promise.reject(new Error("not wanted")),
      hasCudaProvider: () => false,
    },
    onNotice: () => undefined,
  });
  const feed = { name: "a", dtype: "float32", shape: [2], data: new Float32Array(2) } as const;
  await engine.run([feed], []);
  await engine.run([feed], []);
  await engine.release();
  expect(turns).toEqual([1, 1]);
  expect(Atomics.load(section.turn, 0)).toBe(0);
});
