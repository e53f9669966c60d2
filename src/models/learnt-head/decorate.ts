// Any architecture with a learnt head in place of its own answer: `logits` and `unknown` come from the head, where it looked from the model.
import { UsageError } from "../../errors.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Architecture, NamedTensors } from "../architecture.ts";
import type { ModelDefinition } from "../registry.ts";
import { learntHead, pooledFeatures } from "./graph.ts";
import { LEARNT_PREFIX, type LearntHead } from "./head.ts";

/**
 * A model of pictures that answers with a learnt head. Its configuration and its parameters' names stay those of the model; the head's are
 * `learnt.*`. What it says early (stages) is left out: the head reads what the whole model gives.
 *
 * @throws UsageError for a model of videos, and one that has no such output
 */
export function withLearntHead(definition: ModelDefinition, head: LearntHead): ModelDefinition {
  const { architecture: base, config } = definition;
  if (base.input(config).kind === "video")
    throw new UsageError(`a head is learnt on pictures, and ${base.name} takes videos`);
  return { ...definition, architecture: decorated(base, head), learnt: { backbone: base, head } };
}

/** The model under a learnt head; any other as it is. */
export function backboneOf(definition: ModelDefinition): ModelDefinition {
  const { learnt, ...rest } = definition;
  return learnt === undefined ? definition : { ...rest, architecture: learnt.backbone };
}

/** Whether a tensor is a learnt head's. */
export const isLearnt = (name: string): boolean => name.startsWith(LEARNT_PREFIX);

function decorated(base: Architecture<unknown>, head: LearntHead): Architecture<unknown> {
  const { stages: _, following: __, buildFromPixels, ...rest } = base;
  const answer = (scope: Scope, outputs: Readonly<Record<string, Tensor>>) => headOutputs(scope, outputs, head, base);
  return {
    ...rest,
    build: (scope, image, config, mode) => answer(scope, base.build(scope, image, config, mode)),
    ...(buildFromPixels === undefined
      ? {}
      : {
          buildFromPixels: (scope, pixels, config, mode) => answer(scope, buildFromPixels(scope, pixels, config, mode)),
        }),
    adoptWeights(tensors, config) {
      const own: NamedTensors = new Map([...tensors].filter(([name]) => !isLearnt(name)));
      const learnt = [...tensors].filter(([name]) => isLearnt(name));
      return new Map([...base.adoptWeights(own, config), ...learnt]);
    },
    answers: () => "classes",
  };
}

/** Early answers of the model are its own, and not the head's. */
function headOutputs(
  scope: Scope,
  outputs: Readonly<Record<string, Tensor>>,
  head: LearntHead,
  base: Architecture<unknown>,
): Record<string, Tensor> {
  const declared = scope.graph.layers.get(head.layer) ?? outputs[head.layer];
  if (declared === undefined) {
    const names = [...scope.graph.layers.keys(), "features"];
    throw new UsageError(
      `the head was learnt on "${head.layer}", which ${base.name} has not`,
      `it has: ${names.join(", ")}`,
    );
  }
  const features = pooledFeatures(typeof declared === "function" ? declared() : declared, head); // (N, width)
  const { logits, unknown } = learntHead(scope.at(LEARNT_PREFIX.slice(0, -1)), features, head);
  const gaze = Object.entries(outputs).filter(([name]) => name.startsWith("gaze."));
  return { logits, features, ...(unknown === undefined ? {} : { unknown }), ...Object.fromEntries(gaze) };
}
