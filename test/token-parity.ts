// Golden cases of reduced transformers: the model with the official numbers, its graph with what a test wants to see besides, and engines.
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { type Scope, trace } from "../src/graph/scope.ts";
import type { Graph, Tensor } from "../src/graph/tensor.ts";
import { fitWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { tokenModel, type VitConfig } from "../src/models/vit/config.ts";
import { answer, vitTokens } from "../src/models/vit/model.ts";
import type { Attention } from "../src/nn/attention.ts";
import { Mode } from "../src/nn/mode.ts";
import type { Reduction } from "../src/nn/tokens/reduction.ts";
import type { TokenState } from "../src/nn/tokens/state.ts";
import { planReduction } from "../src/nn/tokens/systems.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import type { TensorData } from "../src/tensor.ts";
import { type GoldenCase, loadGolden } from "./golden-case.ts";

/** What happened at the K-th block with a reduction between attention and perceptron. */
export interface Inside {
  readonly index: number;
  readonly before: TokenState;
  readonly attention: Attention;
  readonly after: TokenState;
}

export interface TokenGraph {
  readonly golden: GoldenCase;
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, TensorData>;
}

export interface TokenGraphOptions {
  readonly explicit?: boolean;
  /** More outputs, of each reduction and of the end. */
  readonly see?: (inside: Inside) => Readonly<Record<string, Tensor>>;
  readonly seeEnd?: (tokens: TokenState) => Readonly<Record<string, Tensor>>;
}

/** The vision transformer of a case, its tokens reduced as a line of the language says; undefined: not at all. */
export function tokenGraph(name: string, tokens: string | undefined, options: TokenGraphOptions = {}): TokenGraph {
  const golden = loadGolden(name)!;
  const { config } = defineModel("vit", vitFields(golden.config)) as { config: VitConfig };
  const graph = trace((scope) => {
    const image = scope.graph.input("image", ["batch", 3, config.img_size as number, config.img_size as number]);
    const seen: Record<string, Tensor> = {};
    const plan: Reduction = tokens === undefined ? { steps: new Map() } : planReduction(tokens, tokenModel(config));
    const end = vitTokens(scope, image, config, Mode.inference(), watched(plan, seen, options));
    return { ...answer(scope, end, config, Mode.inference()), ...seen, ...options.seeEnd?.(end) };
  });
  return { golden, graph, weights: fitWeights(graph, golden.weights, name) };
}

function vitFields({
  img_size,
  patch_size,
  embed_dim,
  depth,
  num_heads,
  num_classes,
  distilled = false,
}: GoldenCase["config"]) {
  return { img_size, patch_size, embed_dim, depth, num_heads, num_classes, distilled };
}

/** The reduction, whose steps are seen, and which multiplies by W where that is asked for. */
function watched(
  plan: Reduction,
  seen: Record<string, Tensor>,
  { explicit = false, see }: TokenGraphOptions,
): Reduction {
  const steps = [...plan.steps].map(([block, step], index): [number, typeof step] => [
    block,
    {
      ...step,
      inside(tokens: TokenState, attention: Attention, scope: Scope) {
        const before = { ...tokens, explicit };
        const after = step.inside!(before, attention, scope);
        Object.assign(seen, see?.({ index, before, attention, after }));
        return after;
      },
    },
  ]);
  return { ...plan, steps: new Map(steps) };
}

/** Outputs of the interpreter, which computes in float64. */
export function interpreted({ golden, graph, weights }: TokenGraph): ReadonlyMap<string, TensorData> {
  return interpret(graph, { inputs: { image: golden.image }, parameters: weights });
}

/** Outputs of an engine. */
export async function run(
  { golden, graph, weights }: TokenGraph,
  device: "cpu" | "wasm",
  target: "onnxruntime" | "portable" = "onnxruntime",
): Promise<ReadonlyMap<string, TensorData>> {
  await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
  const outputs = await session.run({ image: golden.image }, { outputs: [...graph.outputs.keys()] });
  return new Map(Object.entries(outputs));
}
