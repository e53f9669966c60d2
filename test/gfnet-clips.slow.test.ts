// GFNet over TSM: what it must have in common with the GFNet of pictures, what clips add, its stages, and that the three stages of training descend.
import { describe, expect, test } from "vitest";
import { differentiate } from "../src/graph/gradients/differentiate.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph, widen } from "../src/graph/tensor.ts";
import { exportStages } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { verifyStages } from "../src/model-folder/verify.ts";
import type { GfnetConfig } from "../src/models/gfnet/config.ts";
import { inferenceGraph, initialWeights, stageGraphs } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { AdaptiveClassifier } from "../src/tasks/classify/adaptive-classifier.ts";
import { elementCount, type TensorData, tensor, toFloat32, toFloat64 } from "../src/tensor.ts";
import { frozenParts, lookingObjective } from "../src/train/gfnet/objectives.ts";
import { looksGraph } from "../src/train/gfnet/validation.ts";
import type { DrawnInput } from "../src/train/objective.ts";
import { namePattern } from "../src/train/parameter-groups.ts";
import { maxDifference } from "./golden-case.ts";
import { onlyLabels } from "./train/labelled-inputs.ts";

const [BATCH, FRAMES, SIDE, LOOKS, CLASSES] = [2, 3, 40, 3, 4] as const;
const FIELDS = {
  arch: "resnet50",
  backbone: { block: "BasicBlock", layers: [1, 1], channels: [8, 8], stem_channels: 8, zero_init_last: false },
  patch_size: 32,
  image_size: SIDE,
  T: LOOKS,
  class_num: CLASSES,
  fc_hidden_dim: 6,
  policy_conv: true,
  policy_hidden_dim: 5,
} as const;
const pictures = defineModel("gfnet", FIELDS);
const clips = (fields: Record<string, unknown> = {}) =>
  defineModel("gfnet", { ...FIELDS, num_segments: FRAMES, ...fields });

const random = new RandomSource(1);
const numbers = (shape: readonly number[], next: () => number) =>
  tensor("float32", shape, Float32Array.from({ length: elementCount(shape) }, next));
const image = numbers([BATCH, 3, SIDE, SIDE], () => random.normal());
const video = numbers([BATCH, 3, FRAMES, SIDE, SIDE], () => random.normal());

/** (batch, 3, side, side) -> (batch, 3, frames, side, side), all frames alike. */
function still(picture: TensorData<"float32">): TensorData<"float32"> {
  const plane = SIDE * SIDE;
  const shape = [BATCH, 3, FRAMES, SIDE, SIDE];
  const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => {
    const channel = Math.floor(i / (plane * FRAMES));
    return picture.data[channel * plane + (i % plane)]!;
  });
  return tensor("float32", shape, data);
}

function frameOrder(value: TensorData<"float32">, order: readonly number[]): TensorData<"float32"> {
  const plane = SIDE * SIDE;
  const data = value.data.map((_, i) => {
    const frame = Math.floor(i / plane) % FRAMES;
    return value.data[i + (order[frame]! - frame) * plane]!;
  });
  return tensor("float32", value.shape, data);
}

describe("the model", () => {
  test("clips that stand still, without a shift, are pictures", () => {
    const weights = initialWeights(inferenceGraph(pictures), 3);
    const narrow = weights.get("policy.state_encoder.0.weight")!; // (32, channels, 1, 1)
    const ofPictures = toFloat32(narrow);
    const channels = narrow.shape[1]!;
    const shape = [32, FRAMES * channels, 1, 1];
    const ofClips = Float32Array.from(
      { length: elementCount(shape) },
      (_, i) => ofPictures[Math.floor(i / (FRAMES * channels)) * channels + (i % channels)]! / FRAMES,
    );
    const widened = new Map(weights).set("policy.state_encoder.0.weight", tensor("float32", shape, ofClips));
    const expected = interpret(inferenceGraph(pictures), { inputs: { image }, parameters: weights });
    const actual = interpret(inferenceGraph(clips({ shift_div: 4096 })), {
      inputs: { image: still(image) },
      parameters: widened,
    });
    for (const name of ["logits", "actions", "regions", "features"])
      expect(maxDifference(actual.get(name), expected.get(name)!), name).toBeLessThan(1e-5);
    const [x1, y1, x2, y2] = toFloat32(actual.get("regions")!);
    const tube = [x1!, y1!, 0, x2!, y2!, 1].map((value) => expect.closeTo(value, 6));
    expect([...toFloat32(actual.get("gaze.0.regions")!).slice(0, 6)]).toEqual(tube);
    const middle = [(x1! + x2!) / 2, (y1! + y2!) / 2, 0.5].map((value) => expect.closeTo(value, 6));
    expect([...toFloat32(actual.get("gaze.0.points")!).slice(0, 3)]).toEqual(middle);
  });

  test("the order of frames counts", () => {
    const definition = clips();
    const weights = initialWeights(inferenceGraph(definition), 3);
    const answers = (input: TensorData) =>
      interpret(inferenceGraph(definition), { inputs: { image: input }, parameters: weights }).get("logits")!;
    const difference = maxDifference(answers(frameOrder(video, [2, 0, 1])), answers(video));
    expect(difference).toBeGreaterThan(1e-6);
  });

  test("one place a look for the whole clip; inputs are clips of a fixed length", () => {
    const definition = clips();
    const graph = inferenceGraph(definition);
    expect(graph.inputs.get("image")!.shape).toEqual(["batch", 3, FRAMES, SIDE, SIDE]);
    expect(graph.outputs.get("regions")!.shape).toEqual([LOOKS - 1, "batch", 4]);
    expect(graph.outputs.get("logits")!.shape).toEqual([LOOKS, "batch", CLASSES]);
    expect(graph.outputs.get(`gaze.${LOOKS - 2}.regions`)!.shape).toEqual(["batch", 1, 6]);
    expect(stageGraphs(definition)!.steps).toEqual(["glance", "focus", "focus"]);
    expect((definition.config as GfnetConfig).policy_conv).toBe(true);
  });

  test("its stages give what one graph does", async () => {
    const definition = clips();
    const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 1), { name: "clips" });
    const check = await verifyStages(nodeHost, model, exportStages(model, {}), { device: "cpu" });
    expect(check.largest.difference).toBeLessThan(1e-5);
  });

  test("pictures are refused in the same words as by every model of videos", async () => {
    const definition = clips();
    const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 1), { name: "clips" });
    await expect(AdaptiveClassifier.open(nodeHost, model)).rejects.toThrow(/clips: this is a video model/);
  });

  test("validation runs on clips, with places of its own", () => {
    const definition = clips();
    const graph = looksGraph(definition, "centre", [FRAMES, SIDE, SIDE]);
    const places = numbers([LOOKS - 1, BATCH, 2], () => 0.5);
    const parameters = initialWeights(inferenceGraph(definition), 1);
    const { shape } = interpret(graph, { inputs: { image: video, places }, parameters }).get("logits")!;
    expect(shape).toEqual([LOOKS, BATCH, CLASSES]);
  });
});

describe("training", () => {
  const definition = clips();
  const weights = initialWeights(inferenceGraph(definition), 3);
  const targets = tensor("float32", [BATCH, CLASSES], Float32Array.of(0, 1, 0, 0, 0, 0, 0, 1));

  /** The loss of a stage, its gradients by name, and what the host draws. */
  function stageGraph(stage: 1 | 2 | 3) {
    const graph = new Graph();
    const draws: DrawnInput[] = [];
    const frozen = namePattern(frozenParts({ stage, trainsGlance: true }));
    const { loss } = lookingObjective({ stage, encoderLossWeight: 1, trainsGlance: true })({
      scope: new Scope(graph),
      model: definition,
      image: graph.input("image", video.shape),
      targets: graph.input("targets", targets.shape),
      mode: Mode.training({ keepsStatistics: frozen }),
      progress: () => graph.input("progress", []),
      ...onlyLabels,
      draw(input) {
        draws.push(input);
        return graph.input(input.name, input.shape);
      },
    });
    const trained = [...graph.parameters.values()].filter(({ name, trainable }) => trainable && !frozen(name));
    const gradients = differentiate(
      loss,
      trained.map(({ tensor: parameter }) => widen(parameter)),
    );
    graph.output("loss", loss);
    gradients.forEach((gradient, i) => {
      graph.output(trained[i]!.name, gradient);
    });
    return { graph, names: trained.map(({ name }) => name), draws };
  }

  test.each([1, 2, 3] as const)("stage %d: a small step against the gradient lowers the loss", (stage) => {
    const { graph, names, draws } = stageGraph(stage);
    const source = new RandomSource(5);
    const drawn = draws.map(({ name, shape, distribution }) => [name, numbers(shape, () => source[distribution]())]);
    const inputs = { image: video, targets, ...Object.fromEntries(drawn) } as Record<string, TensorData>;
    const at = (parameters: ReadonlyMap<string, TensorData>) => interpret(graph, { inputs, parameters });
    const before = at(weights);
    const gradientOf = (name: string) => toFloat64(before.get(name)!);
    const squares = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);
    const total = names.reduce((sum, name) => sum + squares(gradientOf(name)), 0);
    expect(total).toBeGreaterThan(0);
    expect(names.some((name) => name.startsWith("policy."))).toBe(stage !== 1 && stage !== 3);
    if (stage !== 2) {
      // What is before the first shifted convolution learns too: the gradient passes between frames.
      expect(squares(gradientOf("model_state_dict.layer1.0.conv1.weight"))).toBeGreaterThan(0);
      expect(squares(gradientOf("model_prime_state_dict.conv1.weight"))).toBeGreaterThan(0);
    }
    const step = 1e-3 / Math.sqrt(total);
    const moved = new Map(weights);
    for (const name of names) {
      const value = weights.get(name)!;
      const gradient = gradientOf(name);
      moved.set(
        name,
        tensor(
          "float32",
          value.shape,
          toFloat32(value).map((entry, i) => entry - step * gradient[i]!),
        ),
      );
    }
    const [first, second] = [before, at(moved)].map((outputs) => toFloat64(outputs.get("loss")!)[0]!);
    expect(second).toBeLessThan(first!);
  });
});
