// TSM against the official code's numbers, and what the wrapper adds to a backbone: official and other names, any convolutional family, one frame at a
// time. The interpreter's turn is in the slow suite.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { countMacs } from "../src/graph/macs.ts";
import { fitWeights, frameGraph, inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { type TensorData, tensor, toFloat32 } from "../src/tensor.ts";
import { goldenCases, loadGolden } from "./golden-case.ts";
import { expectFrameByFrameParity, expectSessionParity } from "./tsm-parity.ts";

const ONLINE = goldenCases("tsm").filter((name) => name.includes("online"));

test.each(goldenCases("tsm"))("%s: native", (name) => expectSessionParity(name, "cpu"));

test("tsm/tsm_mobilenetv2_8x64: WebAssembly, standard operators only", () =>
  expectSessionParity("tsm/tsm_mobilenetv2_8x64", "wasm", "portable"));

test.each(ONLINE)("%s: frame by frame, native", (name) => expectFrameByFrameParity(name, "cpu"));
test.each(ONLINE)("%s: frame by frame, WebAssembly", (name) => expectFrameByFrameParity(name, "wasm"));

const RESNET = { block: "BasicBlock", layers: [1, 1], channels: [8, 16], stem_channels: 8 };

describe("weights", () => {
  const image = defineModel("resnet", { ...RESNET, num_classes: 5 });
  const video = defineModel("tsm", { base_model: "resnet18", backbone: RESNET, num_class: 5 });
  const fits = (tensors: ReadonlyMap<string, TensorData>) => {
    const adopted = video.architecture.adoptWeights(tensors, video.config);
    return fitWeights(inferenceGraph(video), adopted, "tsm");
  };

  test("a network of pictures becomes one of clips", () => {
    const weights = initialWeights(inferenceGraph(image), 1);
    const fitted = fits(weights);
    expect(fitted.get("new_fc.weight")).toBe(weights.get("fc.weight"));
    expect(fitted.get("base_model.layer1.0.conv1.weight")).toBe(weights.get("layer1.0.conv1.weight"));
  });

  test("its own names stay", () => {
    const weights = initialWeights(inferenceGraph(video), 1);
    for (const [name, value] of fits(weights)) expect(value).toBe(weights.get(name));
  });

  test("released names, data-parallel prefix taken away by the reader, counters left out", () => {
    const golden = loadGolden("tsm/tsm_resnet18_8x64")!;
    const { architecture, config } = defineModel("tsm", { base_model: "resnet18", num_class: 10 });
    const released = new Map(golden.weights);
    released.set("base_model.bn1.num_batches_tracked", tensor("int64", [], BigInt64Array.of(7n)));
    fitWeights(inferenceGraph({ architecture, config }), architecture.adoptWeights(released, config), "tsm");
  });
});

describe("every convolutional family", () => {
  const SMALL: Record<string, Record<string, unknown>> = {
    resnet18: RESNET,
    regnety_002: { depth: 5, w0: 16, wa: 9, wm: 1.7, group_size: 8, stem_width: 8 },
    mobilenetv2: { channel_multiplier: 0.25 },
    mobilenetv3_small_050: { channel_multiplier: 0.25 },
    efficientnet_b0: { channel_multiplier: 0.25, depth_multiplier: 0.5 },
    densenet121: { growth_rate: 8, block_config: [2, 2] },
    convnext_atto: { depths: [1, 1], dims: [8, 16] },
  };
  test.each(Object.entries(SMALL))(
    "%s: later and earlier frames matter, online only earlier ones",
    (base, backbone) => {
      const changes = (online: boolean) => {
        const definition = defineModel("tsm", { base_model: base, backbone, num_class: CLASSES, online });
        const graph = inferenceGraph(definition, { batch: FRAMES + 1, frames: FRAMES, height: SIDE, width: SIDE });
        const outputs = interpret(graph, { inputs: { image: videos() }, parameters: startedWeights(graph) });
        const answers = toFloat32(outputs.get("frame_logits")!);
        const answerTo = (clip: number, frame: number) => {
          const at = (clip * FRAMES + frame) * CLASSES;
          return answers.slice(at, at + CLASSES).join();
        };
        const every = [0, 1, 2];
        return every.map((changed) => every.map((frame) => answerTo(changed, frame) !== answerTo(FRAMES, frame)));
      };
      expect(changes(false)[1]).toEqual([true, true, true]);
      const [first, second, third] = changes(true);
      expect(first!.slice(0, 2)).toEqual([true, true]);
      expect(second).toEqual([false, true, true]);
      expect(third).toEqual([false, false, true]);
    },
  );

  const [FRAMES, SIDE, CLASSES] = [3, 32, 3] as const;

  /** (4, 3, 3, 32, 32): a video of which the first frame, the second or the third is another picture, and the video itself. */
  function videos(): TensorData {
    const plane = SIDE * SIDE;
    const data = Float32Array.from({ length: (FRAMES + 1) * 3 * FRAMES * plane }, (_, i) => {
      const frame = Math.floor(i / plane) % FRAMES;
      const clip = Math.floor(i / (plane * FRAMES * 3));
      const place = i % (plane * FRAMES * 3);
      return Math.sin(place / 7 + (clip === frame ? place : 0));
    });
    return tensor("float32", [FRAMES + 1, 3, FRAMES, SIDE, SIDE], data);
  }

  /** Weights under which no branch is silent: papers start some scales at zero. */
  function startedWeights(graph: ReturnType<typeof inferenceGraph>): Map<string, TensorData> {
    const weights = initialWeights(graph, 3);
    const isScale = (name: string) => /(bn\d?|norm\d?)\.weight$|gamma$/.test(name);
    for (const [name, { shape, data }] of weights)
      if (isScale(name) && data.every((entry) => Number(entry) < 1e-3))
        weights.set(name, tensor("float32", shape, new Float32Array(data.length).fill(1)));
    return weights;
  }
});

test.each([
  ["tsm_resnet50_8x_kinetics", 8, 32.7],
  ["tsm_resnet50_16x_kinetics", 16, 65.4],
])("%s: the published cost of a clip of %d frames, %d GMACs", (name, frames, gmacs) => {
  const sizes = { batch: 1, frames, height: 224, width: 224 };
  const graph = inferenceGraph(defineModel(name));
  const { total } = countMacs(graph, new Map(Object.entries(sizes)), [graph.outputs.get("logits")!]);
  expect(total / 1e9 / gmacs).toBeGreaterThan(0.99);
  expect(total / 1e9 / gmacs).toBeLessThan(1.03);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["an unknown backbone", { base_model: "resnet5000" }, /resnet5000/],
  ["fields that the backbone does not have", { backbone: { wheels: 4 } }, /wheels/],
  ["pooling over frames", { temporal_pool: true }, /pooling over frames/],
  ["another consensus", { consensus: "max" }, /averaged/],
])("%s", (_, config, message) => {
  expect(() => defineModel("tsm", config)).toThrow(UsageError);
  expect(() => defineModel("tsm", config)).toThrow(message);
});

test("a model that sees the future does not go frame by frame", () => {
  expect(() => frameGraph(defineModel("tsm_resnet50_8x_kinetics"), { height: 64, width: 64 })).toThrow(/whole clips/);
});
