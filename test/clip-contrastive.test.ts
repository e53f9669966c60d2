// The text tower trains: its gradients are those of finite differences, and steps of a contrastive loss bring texts to their pictures.
import { describe, expect, test } from "vitest";
import {
  add,
  constant,
  div,
  equal,
  iota,
  logSoftmax,
  matMul,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  sqrt,
  sub,
  transpose,
  where,
} from "../src/graph/build.ts";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph, type Tensor, widen } from "../src/graph/tensor.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { hashedValues, loadGolden } from "./golden-case.ts";

const golden = loadGolden("clip-text/clip_text_mini")!;
const BATCH = 4;
const ids = tensor(
  "int64",
  [BATCH, 16],
  BigInt64Array.from((golden.json as { input: { values: number[][] } }).input.values.slice(0, BATCH).flat(), BigInt),
);
const pictures = tensor("float32", [BATCH, 32], hashedValues("pictures", BATCH * 32, 1, 0, 0));

const units = (x: Tensor) => div(x, sqrt(reduceSum(mul(x, x), 1, { keepDims: true })));

/** Minus the mean log-probability of the diagonal, over rows. */
function diagonalLoss(logits: Tensor): Tensor {
  const places = iota(logits.graph, BATCH);
  const isOwn = equal(reshape(places, [BATCH, 1]), reshape(places, [1, BATCH]));
  return neg(mul(reduceMean(where(isOwn, logSoftmax(logits), 0), [0, 1]), BATCH));
}

/** CLIP's loss of texts against the embeddings of their pictures, and its gradients. */
function build() {
  const graph = new Graph();
  const input = graph.input("ids", ids.shape, "int64");
  const { architecture, config } = defineModel("clip_text", golden.config);
  const { logits, scale } = architecture.build(new Scope(graph), input, config, Mode.training());
  const cosines = matMul(units(constant(graph, pictures)), units(logits!), { transposeB: true });
  const scores = mul(cosines, scale!); // (pictures, texts)
  const loss = mul(add(diagonalLoss(scores), diagonalLoss(transpose(scores, [1, 0]))), 0.5);
  const parameters = [...graph.parameters.values()];
  const gradients = differentiate(
    loss,
    parameters.map(({ tensor: parameter }) => widen(parameter)),
  );
  graph.output("loss", loss);
  for (const [i, { name, tensor: parameter }] of parameters.entries()) {
    graph.output(`gradient.${name}`, gradients[i]!);
    graph.output(`next.${name}`, sub(widen(parameter), mul(gradients[i]!, 0.02)));
  }
  return { graph, names: parameters.map(({ name }) => name) };
}

const { graph, names } = build();

describe("gradients", () => {
  const gradientsOf = interpret(graph, {
    inputs: { ids },
    parameters: golden.weights,
    precision: "float64",
    outputs: names.map((name) => `gradient.${name}`),
  });
  const lossAt = (parameters: ReadonlyMap<string, TensorData>) =>
    toFloat64(
      interpret(graph, { inputs: { ids }, parameters, precision: "float64", outputs: ["loss"] }).get("loss")!,
    )[0]!;

  test.each([
    "logit_scale",
    "text_projection",
    "token_embedding.weight",
    "positional_embedding",
    "transformer.resblocks.0.attn.in_proj_weight",
    "transformer.resblocks.1.ln_1.bias",
    "transformer.resblocks.2.mlp.c_fc.weight",
  ])("%s: as finite differences say", (name) => {
    const gradient = toFloat64(gradientsOf.get(`gradient.${name}`)!);
    // Where it is steepest, so that rounding of the weights to float32 does not matter.
    const at = gradient.reduce((best, value, i) => (Math.abs(value) > Math.abs(gradient[best]!) ? i : best), 0);
    const value = golden.weights.get(name)!;
    const moved = (step: number) => {
      const data = Float32Array.from(value.data as Float32Array);
      data[at]! += step;
      return { weights: new Map(golden.weights).set(name, { ...value, data } as TensorData), at: data[at]! };
    };
    const [up, down] = [moved(1e-3), moved(-1e-3)];
    const slope = (lossAt(up.weights) - lossAt(down.weights)) / (up.at - down.at);
    expect(Math.abs(slope / gradient[at]! - 1)).toBeLessThan(1e-3);
  });
});

test("contrastive steps in the engine bring texts to their pictures", async () => {
  await using session = await nodeHost.createSession(lower(graph, { parametersAs: "inputs", target: "onnxruntime" }), {
    device: "cpu",
  });
  let weights: Record<string, TensorData> = Object.fromEntries(golden.weights);
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) {
    const outputs = await session.run({ ids, ...weights });
    losses.push(toFloat64(outputs.loss!)[0]!);
    weights = Object.fromEntries(names.map((name) => [name, outputs[`next.${name}`]!]));
  }
  expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
});
