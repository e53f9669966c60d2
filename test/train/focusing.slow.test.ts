// The gradients of Uni-AdaFocus' training, by finite differences.
import { expect, test } from "vitest";
import { differentiate } from "../../src/graph/gradients/differentiate.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { Graph, isOp, type Tensor, widen } from "../../src/graph/tensor.ts";
import { tensor, toFloat64 } from "../../src/tensor.ts";
import { inputs, objectiveGraph, weights } from "./focusing-toy.ts";

/**
 * The same loss where everything whose gradient stops is an input: what finite differences of the loss would otherwise see, and the gradient must not.
 * Gives the graph, and the numbers of these inputs at the weights as they are.
 */
function withoutWhatStops(graph: Graph, loss: Tensor) {
  const stopped = graph.needed([loss]).filter((node) => isOp(node, "stopGradient"));
  for (const node of stopped) graph.output(`stopped.${node.id}`, node);
  const values = interpret(graph, { inputs, parameters: weights, precision: "float64" });
  const copy = new Graph();
  const copies = new Map<Tensor, Tensor>();
  for (const node of graph.needed([loss])) {
    const parameter = isOp(node, "parameter") ? graph.parameters.get(node.attributes.name)! : undefined;
    copies.set(
      node,
      parameter !== undefined
        ? copy.parameter(parameter.name, parameter.shape, parameter.initializer)
        : isOp(node, "stopGradient")
          ? copy.input(`stopped.${node.id}`, node.shape)
          : isOp(node, "input")
            ? copy.input(node.attributes.name, node.shape)
            : copy.apply(
                node.op,
                node.inputs.map((input) => copies.get(input)!),
                node.attributes,
              ),
    );
  }
  copy.output("loss", copies.get(loss)!);
  const frozen = stopped.map((node) => [`stopped.${node.id}`, values.get(`stopped.${node.id}`)!] as const);
  return { copy, frozen: Object.fromEntries(frozen) };
}

/** Of finite differences. */
const STEP = 1e-7;

/** Of each part, parameters that the loss reaches by different ways. */
const PARAMETERS = {
  glance: ["global_CNN.base_model.conv_stem.weight", "global_CNN.new_fc.weight", "global_CNN.new_new_fc.bias"],
  focus: ["local_CNN.base_model.layer1.0.conv1.weight", "local_CNN.new_fc.bias", "local_CNN.new_new_fc.weight"],
  policies: ["aux_fc.weight", "spatial_policy.encoder.3.weight", "spatial_policy.encoder.9.weight"],
  time: ["temporal_policy.Tconv.0.weight", "temporal_policy.Tconv.6.weight"],
} as const;

test("gradients by finite differences: every part of the model learns", () => {
  const { graph, loss } = objectiveGraph();
  const names = Object.values(PARAMETERS).flat();
  const parameters = names.map((name) => widen(graph.parameters.get(name)!.tensor));
  differentiate(loss, parameters).forEach((gradient, i) => {
    graph.output(`gradient.${names[i]}`, gradient);
  });
  const outputs = interpret(graph, { inputs, parameters: weights, precision: "float64" });
  const { copy, frozen } = withoutWhatStops(graph, loss);
  const known = Object.fromEntries(Object.entries({ ...inputs, ...frozen }).filter(([name]) => copy.inputs.has(name)));
  for (const [part, own] of Object.entries(PARAMETERS)) {
    const gradients = own.map((name) => [name, toFloat64(outputs.get(`gradient.${name}`)!)] as const);
    for (const [name, gradient] of gradients) expect(Math.max(...gradient.map(Math.abs)), name).toBeGreaterThan(1e-7);
    // Each parameter along its own gradient: the loss then changes by the sum of their lengths.
    const lengths = gradients.map(([, gradient]) => Math.hypot(...gradient));
    const moved = (by: number) => {
      const changed = new Map(weights);
      gradients.forEach(([name, gradient], i) => {
        const { shape } = weights.get(name)!;
        const start = toFloat64(weights.get(name)!);
        changed.set(
          name,
          tensor(
            "float64",
            shape,
            start.map((value, at) => value + (by * gradient[at]!) / lengths[i]!),
          ),
        );
      });
      return toFloat64(interpret(copy, { inputs: known, parameters: changed, precision: "float64" }).get("loss")!)[0]!;
    };
    const expected = lengths.reduce((sum, length) => sum + length, 0);
    const numeric = (moved(STEP) - moved(-STEP)) / (2 * STEP);
    expect(Math.abs(numeric - expected) / expected, part).toBeLessThan(2e-3);
  }
});
