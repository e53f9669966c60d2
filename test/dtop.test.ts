// DToP: the official code's numbers (on other engines: in the slow suite), tokens that are really gone, the dense model where none stops, gradients, costs, and
// configurations that cannot be.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { add, mul, reduceSum } from "../src/graph/build.ts";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope, trace } from "../src/graph/scope.ts";
import { Graph, type Tensor, widen } from "../src/graph/tensor.ts";
import { modelCost } from "../src/models/cost.ts";
import type { DtopConfig } from "../src/models/dtop/config.ts";
import type { Form } from "../src/models/dtop/going.ts";
import { dtop } from "../src/models/dtop/model.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { changedModel, defineModel, type ModelDefinition, registry } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat32, toFloat64 } from "../src/tensor.ts";
import { dtopCase, everyFourth, expectDtopParity, LAYERS } from "./dtop-parity.ts";
import { goldenCases, hashedValues, maxDifference } from "./golden-case.ts";

async function runOnCpu(
  graph: Graph,
  parameters: ReadonlyMap<string, TensorData>,
  image: TensorData,
): Promise<Record<string, TensorData>> {
  await using session = await nodeHost.createSession(lower(graph, { parameters }), { device: "cpu" });
  return await session.run({ image });
}

describe.each(goldenCases("dtop"))("%s", (name) => {
  test("the official numbers", async () => {
    const { golden, definition, weights } = dtopCase(name);
    const graph = inferenceGraph(definition, {}, { layers: LAYERS });
    const outputs = await runOnCpu(graph, weights, golden.image);
    expectDtopParity(golden, (output) => outputs[output]!);
    const fractions = golden.json.pruned_fraction as readonly (readonly number[])[];
    const left = toFloat64(outputs.tokens_left!);
    fractions.forEach((pruned, head) => {
      pruned.forEach((fraction, picture) => {
        expect(left[picture * fractions.length + head]).toBeCloseTo(1 - fraction, 3);
      });
    });
  });

  test("with a threshold of 1 it is the dense model, to the bit what it is where no token is sure enough", async () => {
    const { golden, definition, weights } = dtopCase(name, 1);
    expect([...inferenceGraph(definition).decidedSizes]).toEqual([]);
    const dense = await runOnCpu(inferenceGraph(definition), weights, golden.image);
    const expected = golden.outputs.get("dense.pred")!;
    expect(maxDifference(everyFourth(dense.logits!), expected)).toBeLessThan(1e-4);

    const never = dtopCase(name, 0.999999).definition;
    const all = await runOnCpu(inferenceGraph(never), weights, golden.image);
    expect([...toFloat64(all.tokens_left!)]).toEqual([1, 1, 1, 1]);
    expect(maxDifference(all.logits, dense.logits!)).toBe(0);
    expect(maxDifference(all.features, dense.features!)).toBeLessThan(1e-6);
  });
});

// --- a toy -----------------------------------------------------------------------------------------------------------------------

/** Three layers with a head after each, 6 x 8 patches. */
const toy = defineModel("dtop", {
  num_classes: 3,
  img_size: [24, 32],
  backbone: { patch_size: 4, embed_dims: 12, num_layers: 3, num_heads: 2, out_indices: [0, 1, 2] },
  head: { channels: 8, num_heads: 2, layers_per_decoder: 2, dropout: 0 },
  thresh: [0.3, 0.36],
});

/** Weights that say something. */
function toyWeights({ architecture, config }: ModelDefinition): Map<string, TensorData> {
  const graph = inferenceGraph({ architecture, config });
  const weights = initialWeights(graph, 0);
  for (const { name, shape } of graph.parameters.values())
    if (!/norm|ln\d|bias/.test(name))
      weights.set(name, tensor("float32", shape, hashedValues(name, elementCount(shape), 0.5, 0, 1)));
  return weights;
}

const weights = toyWeights(toy);
const image = tensor("float32", [2, 3, 24, 32], hashedValues("picture", 2 * 3 * 24 * 32, 1.5, 0, 0));

function toyGraph(form: Form, batch = 2, mode = Mode.inference()): Graph {
  return trace((scope) =>
    dtop(scope, scope.graph.input("image", [batch, 3, 24, 32]), toy.config as DtopConfig, mode, form),
  );
}

/** The pictures of a batch one by one. */
function single({ shape, data }: TensorData, i: number): TensorData {
  const size = elementCount(shape.slice(1));
  const part = (data as Float32Array).slice(i * size, (i + 1) * size);
  return { dtype: "float32", shape: [1, ...shape.slice(1)], data: part } as TensorData;
}

describe("tokens that stopped", () => {
  const run = (graph: Graph, pictures: TensorData) =>
    interpret(graph, { inputs: { image: pictures }, parameters: weights });
  const masked = run(toyGraph("masked"), image);

  test("some do at each head, others not in both pictures; the last head stops none", () => {
    const left = [...toFloat64(masked.get("tokens_left")!)];
    expect(left).toHaveLength(4); // two pictures, and two of the three heads
    for (const picture of [left.slice(0, 2), left.slice(2)]) {
      expect(picture[0]).toBeLessThan(1);
      expect(picture[1]).toBeLessThan(picture[0]!);
      expect(picture[1]).toBeGreaterThan(0);
    }
    expect(left[0]).not.toBe(left[2]);
    expect(Math.max(...toFloat64(masked.get("exits")!))).toBe(2);
  });

  test.each(["a batch", "one by one"])("gathering leaves the others as they are: %s", (how) => {
    const names = ["logits", "features", "exit.0.logits", "exit.1.logits", "exits", "tokens_left"];
    if (how === "a batch") {
      const gathered = run(toyGraph("gathered"), image);
      for (const name of names) expect(maxDifference(gathered.get(name), masked.get(name)!), name).toBeLessThan(1e-6);
      return;
    }
    for (const i of [0, 1]) {
      const gathered = run(toyGraph("gathered", 1), single(image, i));
      for (const name of names)
        expect(maxDifference(gathered.get(name), single(masked.get(name)!, i)), name).toBeLessThan(1e-6);
    }
  });

  test("keep what the head said that they stopped at", () => {
    const graph = inferenceGraph(toy, {}, { layers: ["auxiliary_head.0.masks", "auxiliary_head.1.masks"] });
    const outputs = interpret(graph, { inputs: { image }, parameters: weights });
    const [before, after] = [0, 1].map((head) => toFloat64(outputs.get(`auxiliary_head.${head}.masks`)!));
    toFloat64(outputs.get("exits")!).forEach((exit, i) => {
      const [picture, place] = [Math.floor(i / 48), i % 48];
      for (let label = 0; label < 3; label++) {
        const at = (picture * 3 + label) * 48 + place;
        if (exit === 0) expect(after![at]).toBe(before![at]);
        else expect(after![at]).not.toBe(before![at]);
      }
    });
  });

  test("are gone from the graph, and one picture is not masked", () => {
    const scores = (graph: Graph, layer: number) =>
      graph.nodes.find(({ op, path }) => op === "softmax" && path === `backbone.layers.${layer}.attn.attn`)!;
    const one = toyGraph("gathered", 1);
    expect(scores(one, 1).shape).toEqual([1, 2, "left_0", "left_0"]);
    expect(scores(one, 2).shape).toEqual([1, 2, "left_1", "left_1"]);
    expect(scores(one, 2).inputs[0]!.op).toBe("matMul");
    expect(scores(toyGraph("gathered", 2), 2).inputs[0]!.op).toBe("add");
    expect(toyGraph("masked", 1).decidedSizes.size).toBe(0);
  });
});

test("gradients of the masked form are the slopes of what it computes", () => {
  const graph = new Graph();
  const input = graph.input("image", image.shape);
  const outputs = dtop(new Scope(graph), input, toy.config as DtopConfig, Mode.training());
  const weighted = (name: string): Tensor => {
    const value = outputs[name]!;
    const shape = value.shape as number[];
    const by = graph.input(`by.${name}`, shape);
    return reduceSum(
      mul(value, by),
      shape.map((_, axis) => axis),
    );
  };
  const names = ["logits", "exit.0.logits", "exit.1.logits", "features"];
  const loss = names.map(weighted).reduce((a, b) => add(a, b));
  const trained = [...graph.parameters.values()].filter(({ trainable }) => trainable);
  const gradients = differentiate(
    loss,
    trained.map((parameter) => widen(parameter.tensor)),
  );
  graph.output("loss", loss);
  trained.forEach(({ name }, i) => {
    graph.output(`gradient.${name}`, gradients[i]!);
  });
  const inputs = {
    image,
    ...Object.fromEntries(
      names.map((name) => {
        const shape = outputs[name]!.shape as number[];
        return [`by.${name}`, tensor("float32", shape, hashedValues(name, elementCount(shape), 1, 0, 2))];
      }),
    ),
  };
  const direction = new Map(trained.map(({ name, shape }) => [name, hashedValues(name, elementCount(shape), 1, 0, 5)]));
  const lossAt = (step: number) => {
    const moved = new Map([...weights].map(([name, value]) => [name, along(value, direction.get(name), step)]));
    const found = interpret(graph, { inputs, parameters: moved, outputs: ["loss"], precision: "float64" });
    return toFloat64(found.get("loss")!)[0]!;
  };
  const STEP = 1e-6;
  const slope = (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP);
  const wanted = trained.map(({ name }) => `gradient.${name}`);
  const found = interpret(graph, { inputs, parameters: weights, outputs: wanted, precision: "float64" });
  const expected = trained.reduce((sum, { name }) => {
    const gradient = toFloat64(found.get(`gradient.${name}`)!);
    const own = direction.get(name)!;
    return sum + gradient.reduce((total, value, i) => total + value * own[i]!, 0);
  }, 0);
  expect(Math.abs(slope - expected)).toBeLessThan(1e-5 * (1 + Math.abs(expected)));
  for (const { name } of trained)
    expect(Math.hypot(...toFloat64(found.get(`gradient.${name}`)!)), name).toBeGreaterThan(0);
});

function along(value: TensorData, direction: Float32Array | undefined, step: number): TensorData {
  const data = Float64Array.from(toFloat32(value), (x, i) => x + step * (direction?.[i] ?? 0));
  return { dtype: "float64", shape: value.shape, data } as TensorData;
}

describe("what it costs", () => {
  // README of the official code, GFLOPs; its counter leaves a part of attention out.
  test.each([
    ["dtop_base_ade20k", 109.9],
    ["dtop_large_ade20k", 617],
    ["dtop_large_pascal_context", 315.4],
    ["dtop_large_coco_stuff10k", 366.9],
  ])("%s: about %d billion products where no token stops", (name, billions) => {
    const definition = defineModel(name);
    const { img_size: side } = definition.config as { readonly img_size: number };
    const { macs } = modelCost(definition, { height: side, width: side });
    expect(macs / 1e9 / billions).toBeGreaterThan(1);
    expect(macs / 1e9 / billions).toBeLessThan(1.05);
  });

  const base = defineModel("dtop_base_ade20k");
  const costOf = (tokensLeft?: readonly number[]) =>
    modelCost(base, { height: 512, width: 512, ...(tokensLeft === undefined ? {} : { tokensLeft }) });

  test("depends on the picture: what is left after each head is what it is paid for", () => {
    const { macs, macsAtLeast, decisions } = costOf();
    expect(decisions).toBe(2);
    expect(costOf([1, 1]).macs).toBe(macs);
    expect(costOf([0, 0]).macs).toBe(macsAtLeast);
    const some = costOf([0.7, 0.5]).macs;
    expect(some / macs).toBeGreaterThan(0.7);
    expect(some / macs).toBeLessThan(0.8);
    expect(costOf([0.7, 0.7]).macs).toBeGreaterThan(some);
  });

  test.each([[[0.5]], [[0.5, 0.6]], [[1.2, 1]], [[0.5, -0.1]]])("shares that cannot be: %j", (shares) => {
    expect(() => costOf(shares)).toThrow(UsageError);
    expect(() => costOf(shares)).toThrow(/takes 2 shares of tokens that are left/);
  });

  test("models in which the picture decides nothing take no shares", () => {
    const vit = defineModel("deit_tiny_patch16_224");
    const { macs, macsAtLeast, decisions } = modelCost(vit, { height: 224, width: 224 });
    expect([decisions, macsAtLeast]).toEqual([0, macs]);
    expect(() => modelCost(vit, { height: 224, width: 224, tokensLeft: [1] })).toThrow(/the same for all pictures/);
  });
});

describe("the threshold as the dial of tokens", () => {
  const dialled = (tokens: string) => changedModel("dtop_base_ade20k", {}, { tokens }).config as DtopConfig;

  test("stop=… is the threshold, and none stops no token", () => {
    expect(dialled("stop=0.8:dtop").thresh).toBe(0.8);
    expect(dialled("none").thresh).toBe(1);
    expect(defineModel("dtop_base_ade20k").config).toMatchObject({ thresh: 0.9 });
  });

  test.each([
    ["keep=0.7@3:evit", /stop where a head is sure of them/],
    ["stop=0.9@3:dtop", /after heads, which are where the model has them/],
    ["stop=0:dtop", /over 0 and at most 1/],
    ["stop=1.5:dtop", /over 0 and at most 1/],
    ["stop:dtop", /needs how sure a head has to be/],
    ["stop=0.9:dtop+k=3", /has no options/],
  ])("%s is refused", (tokens, message) => {
    expect(() => dialled(tokens)).toThrow(UsageError);
    expect(() => dialled(tokens)).toThrow(message);
  });
});

describe("what cannot be", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["a threshold above 1", { thresh: 1.5 }, /thresh/],
    ["one at which everything stops", { thresh: 0 }, /thresh/],
    ["thresholds for more heads than there are", { thresh: [0.9, 0.9, 0.9] }, /one for each head but the last/],
    ["a last head before the last layer", { backbone: { out_indices: [5, 7] } }, /end with the last layer/],
    ["heads in disorder", { backbone: { out_indices: [7, 5, 11] } }, /must rise/],
    ["heads that do not divide the width", { backbone: { num_heads: 7 } }, /num_heads must divide embed_dims/],
    ["the same in a head", { head: { num_heads: 7 } }, /num_heads must divide channels/],
    ["pictures that patches do not fill", { img_size: 500 }, /must be a multiple of patch_size/],
    ["fields that are none", { wheels: 4 }, /wheels/],
  ])("%s", (_, changes, message) => {
    expect(() => defineModel("dtop", changes)).toThrow(UsageError);
    expect(() => defineModel("dtop", changes)).toThrow(message);
  });

  test("pictures of another size", () => {
    expect(() => inferenceGraph(toy, { height: 48, width: 48 })).toThrow(/configured for pictures of 32 x 24 pixels/);
  });

  test("weights that the authors never gave are not promised", () => {
    const ours = [...registry.values()].filter(({ architecture }) => architecture === "dtop");
    expect(ours.map(({ weights }) => weights)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
