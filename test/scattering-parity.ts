// A scattering golden against every engine: its coefficients, and its filters where the case keeps some.
import { expect } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { filterBank, type StoredFilter } from "../src/models/scattering/filter-bank.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { loadGolden, maxDifference } from "./golden-case.ts";

interface OfficialConfig {
  readonly J: number;
  readonly L: number;
  readonly shape: readonly [number, number];
  readonly max_order: 1 | 2;
  readonly pre_pad: boolean;
}

export type Engine = "interpreter" | "cpu" | "wasm";

export function scatteringCase(name: string) {
  const golden = loadGolden(name)!;
  const { J, L, shape, max_order, pre_pad } = golden.config as unknown as OfficialConfig;
  const in_channels = golden.image.shape[1];
  const definition = defineModel("scattering", { J, L, shape, max_order, pre_pad, in_channels });
  return { golden, definition };
}

/** The coefficients of pictures (N, C, H, W), (N, C, paths, h, w), from the filters that follow from the configuration. */
export async function coefficients(
  definition: ReturnType<typeof defineModel>,
  image: TensorData<"float32">,
  engine: Engine,
): Promise<TensorData> {
  const graph = inferenceGraph(definition, {}, { layers: ["Sx"] });
  const parameters = initialWeights(graph, 0);
  const map = await run();
  const [batch, maps, height, width] = map.shape as [number, number, number, number];
  const channels = image.shape[1]!;
  return tensor("float32", [batch, channels, maps / channels, height, width], Float32Array.from(toFloat64(map)));

  async function run(): Promise<TensorData> {
    if (engine === "interpreter")
      return interpret(graph, { inputs: { image }, parameters, outputs: ["Sx"] }).get("Sx")!;
    const target = engine === "wasm" ? "portable" : "onnxruntime";
    await using session = await nodeHost.createSession(lower(graph, { parameters, target }), { device: engine });
    return (await session.run({ image }, { outputs: ["Sx"] })).Sx!;
  }
}

export async function expectScatteringParity(name: string, engine: Engine, tolerance: number): Promise<void> {
  const { golden, definition } = scatteringCase(name);
  const Sx = await coefficients(definition, golden.image, engine);
  expect(maxDifference(Sx, golden.outputs.get("Sx")!), "Sx").toBeLessThan(tolerance);
}

/** The case's filters, "psi_level.N.R" and "phi_level.R", against those that follow from its configuration. */
export function expectFilters(name: string): void {
  const { golden } = scatteringCase(name);
  const { J, L, shape } = golden.config as unknown as OfficialConfig;
  const { lowPasses, wavelets } = filterBank({ J, L, shape: [...shape] });
  for (const [output, expected] of golden.outputs) {
    if (output === "Sx") continue;
    const [kind, ...places] = output.split(".") as [string, ...string[]];
    const at = places.map(Number);
    const filter = kind === "phi_level" ? lowPasses[at[0]!]! : wavelets.flat()[at[0]!]![at[1]!]!;
    expect(maxDifference(valuesOf(filter, expected.shape), expected), output).toBeLessThan(1e-6);
  }
}

function valuesOf({ initializer }: StoredFilter, shape: readonly number[]): TensorData {
  if (initializer.kind !== "values") throw new Error(`a filter is not known in advance: ${initializer.kind}`);
  return tensor("float32", shape, Float32Array.from(initializer.values));
}
