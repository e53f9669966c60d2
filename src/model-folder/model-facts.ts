// What a person wants to know of a model before running it: what it is, how large, what it costs, and which of its dials there are.
import { SaccadeError } from "../errors.ts";
import type { Answers } from "../models/answers.ts";
import { modelCost } from "../models/cost.ts";
import { inferenceGraph, runsInSteps } from "../models/graph.ts";
import { changedModel } from "../models/registry.ts";
import { readOnnx } from "../onnx/read.ts";
import { elementCount } from "../tensor.ts";
import { countedExtent } from "./describe.ts";
import type { LoadedModel, ModelCard, NativeModel, OnnxModel } from "./model.ts";
import { nativeModel } from "./native.ts";
import { countGlimpses, pictureFacts } from "./picture-file.ts";

export interface ModelFacts {
  readonly card: ModelCard;
  readonly kind: "native" | "onnx";
  /** Of native models: as in config.json, and where it comes from. */
  readonly architecture?: { readonly name: string; readonly paper: string };
  readonly takes: "pictures" | "clips" | "texts";
  readonly answers: Answers;
  /** Trained values. */
  readonly parameters: number;
  /** Multiply-accumulates of one picture in the model's usual size, or of one text; undefined for files whose products nobody counts. */
  readonly macs?: number;
  /** What the model is usually given, in pixels. */
  readonly size?: { readonly height: number; readonly width: number };
  /** Whether the resolution is a dial. */
  readonly takesAnySize: boolean;
  /** The stage of each step of a model that can stop early; else none. */
  readonly steps: readonly string[];
  /** Whether each step is a look at a part of the picture. */
  readonly looksInSteps: boolean;
  /** Latent tokens, and whether their number is a dial: where one embedding is shared by all of them. */
  readonly tokens?: { readonly count: number; readonly canChange: boolean };
  /** How many looks it can tell of. */
  readonly looks: number;
}

/** @throws FormatError for an ONNX file that takes no pictures */
export function modelFacts(model: LoadedModel): ModelFacts {
  return model.kind === "native" ? nativeFacts(model) : onnxFacts(model);
}

function nativeFacts(model: NativeModel): ModelFacts {
  const { card, definition } = model;
  const { architecture, config } = definition;
  const input = architecture.input(config);
  const extent = countedExtent(definition, card.transform);
  const { parameters, macs } = modelCost(definition, extent);
  const tokens = tokenDial(model);
  const isStaged = runsInSteps(definition);
  return {
    card,
    kind: "native",
    architecture: { name: architecture.name, paper: architecture.paper },
    takes: input.kind === "text" ? "texts" : input.kind === "video" ? "clips" : "pictures",
    answers: architecture.answers(config),
    parameters,
    macs,
    ...("height" in extent ? { size: { height: extent.height, width: extent.width } } : {}),
    takesAnySize: input.kind !== "text" && input.size === "free",
    steps: isStaged ? architecture.stages!.steps(config) : [],
    looksInSteps: isStaged && architecture.stages!.looksInSteps,
    ...(tokens === undefined ? {} : { tokens }),
    looks: countGlimpses([...inferenceGraph(definition).outputs.keys()]),
  };
}

/** The dial is there where the weights fit another number too. */
function tokenDial({ definition, weights, card }: NativeModel): ModelFacts["tokens"] {
  const { architecture, config, registered } = definition;
  const count = (config as Readonly<Record<string, unknown>>).num_latent_tokens;
  if (typeof count !== "number" || definition.learnt !== undefined) return undefined;
  try {
    const name = registered?.name ?? architecture.name;
    nativeModel(changedModel(name, config, { num_latent_tokens: count + 1 }), weights, card);
    return { count, canChange: true };
  } catch (error) {
    if (error instanceof SaccadeError) return { count, canChange: false };
    throw error;
  }
}

function onnxFacts(model: OnnxModel): ModelFacts {
  const { answers, glimpses, takes } = pictureFacts(model);
  const { inputs, initializers } = readOnnx(model.bytes);
  const shape = inputs[0]?.shape ?? [];
  const [height, width] = takes === "pixels" ? [shape[1], shape[2]] : [shape[2], shape[3]];
  const isFixed = typeof height === "number" && typeof width === "number";
  return {
    card: model.card,
    kind: "onnx",
    takes: "pictures",
    answers,
    parameters: initializers
      .filter(({ dtype }) => dtype.startsWith("float") || dtype === "bfloat16")
      .reduce((sum, initializer) => sum + elementCount(initializer.shape), 0),
    ...(isFixed ? { size: { height, width } } : {}),
    takesAnySize: !isFixed,
    steps: [],
    looksInSteps: false,
    looks: glimpses,
  };
}
