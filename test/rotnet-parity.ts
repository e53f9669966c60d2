// A RotNet golden against an engine: one picture turned all four ways by the objective's own turns, and what the network makes of them.
import { expect } from "vitest";
import { concat, reduceMean, slice } from "../src/graph/build.ts";
import { trace } from "../src/graph/scope.ts";
import { fitWeights } from "../src/models/graph.ts";
import { layerOf } from "../src/models/layers.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { turned } from "../src/train/pretext/rotation.ts";
import { loadGolden, maxDifference } from "./golden-case.ts";

const CORNER = "rotated_input_corner";

/** The first pixels of each turn must be equal to the bit; "conv2" is the layer for the first of them, "conv2.mean" its spatial mean for all four. */
export async function expectRotnetParity(name: string, device: "cpu" | "wasm"): Promise<void> {
  const golden = loadGolden(name)!;
  const { architecture, config } = defineModel("rotnet", golden.config);
  const graph = trace((scope) => {
    const image = scope.graph.input("image", golden.image.shape);
    const turns = concat(
      [0, 1, 2, 3].map((quarters) => turned(image, quarters)),
      0,
    );
    const outputs = architecture.build(scope, turns, config, Mode.inference());
    return { ...outputs, [CORNER]: slice(slice(turns, 2, 0, 4), 3, 0, 4) };
  });
  for (const output of golden.outputs.keys()) {
    const [, layer, isMean] = /^(conv\d+)(\.mean)?$/.exec(output) ?? [];
    if (layer === undefined) continue;
    const map = layerOf(graph, layer);
    graph.output(output, isMean === undefined ? slice(map, 0, 0, 1) : reduceMean(map, [2, 3]));
  }
  const parameters = fitWeights(graph, architecture.adoptWeights(golden.weights, config), name);
  await using session = await nodeHost.createSession(lower(graph, { parameters }), { device });
  const found = await session.run({ image: golden.image });
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  for (const [output, expected] of golden.outputs)
    expect([output, maxDifference(found[output]!, expected)]).toEqual([
      output,
      expect.toSatisfy((difference: number) =>
        output === CORNER ? difference === 0 : difference < 1e-4 + 4 * errors[output]!,
      ),
    ]);
}
