// Single-stage detectors: sizes, official names, which candidates are given, boxes by hand, and configurations that cannot be. The official code's numbers: sepc and bvr.
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { trace } from "../src/graph/scope.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { cornersOf, placesOf, relativeBoxes } from "../src/models/single-stage/boxes.ts";
import { levelsOf, type SingleStageConfig } from "../src/models/single-stage/config.ts";
import { singleStage } from "../src/models/single-stage/model.ts";
import { Mode } from "../src/nn/mode.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { hashedValues } from "./golden-case.ts";

const configOf = (name: string, fields = {}) => defineModel(name, fields).config as SingleStageConfig;

/** Weights that are trained, by the beginning of their names. */
function trainedBy(name: string, prefix: string): number {
  const { parameters } = inferenceGraph(defineModel(name));
  return [...parameters.values()]
    .filter((parameter) => parameter.trainable && parameter.name.startsWith(prefix))
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

test.each([
  // mmdetection counts what it trains: not the first convolution and the first stage, 225,344.
  ["retinanet_r50_fpn", "", 37_743_348 + 225_344],
  ["retinanet_r50_pconv", "neck.1.", 8_261_120],
  ["retinanet_r50_pconv_ibn", "neck.1.", 8_264_192],
  ["retinanet_r50_sepc_lite", "neck.1.", 8_347_172],
  ["retinanet_r50_sepc", "neck.1.", 8_845_052],
])("%s has as many weights in %s as the official code", (name, prefix, count) => {
  expect(trainedBy(name, prefix)).toBe(count);
});

test("names are the official ones", () => {
  const names = new Set(inferenceGraph(defineModel("retinanet_r50_bvr")).parameters.keys());
  for (const name of [
    "backbone.layer4.2.conv3.weight",
    "neck.lateral_convs.0.conv.weight",
    "neck.fpn_convs.4.gn.bias",
    "bbox_head.bbox_head.cls_convs.3.gn.weight",
    "bbox_head.bbox_head.retina_reg.bias",
    "bbox_head.keypoint_head.keypoint_layers.center.1.conv.weight",
    "bbox_head.keypoint_head.keypoint_offset_heads.top_left_corner.1.bias",
    "bbox_head.reg_transformer.decoder.1.out_proj.weight",
    "bbox_head.reg_transformer.relative_positional_encoding.embedding_transform.0.conv.weight",
  ])
    expect(names).toContain(name);
});

test("files of mmdetection's first release have other names for what FCOS says, and all releases things that nothing reads", () => {
  const { architecture, config } = defineModel("fcos_r50_bvr");
  const value = tensor("float32", [1], new Float32Array(1));
  const names = [
    "bbox_head.bbox_head.fcos_centerness.weight",
    "backbone.bn1.num_batches_tracked",
    "bbox_head.cls_transformer.relative_positional_encoding.base_embedding",
  ];
  const adopted = architecture.adoptWeights(new Map(names.map((name) => [name, value])), config);
  expect([...adopted.keys()]).toEqual(["bbox_head.bbox_head.conv_centerness.weight"]);
});

const SMALL = {
  num_classes: 3,
  img_size: [32, 64],
  backbone: "resnet18",
  backbone_config: { layers: [1, 1, 1, 1], channels: [4, 4, 4, 4], stem_channels: 4 },
  neck: { out_channels: 8, num_outs: 3 },
  nms_pre: 6,
};

/** What a model says of a picture, in training all of it. */
function answer(head: Record<string, unknown>, mode: Mode): ReadonlyMap<string, TensorData> {
  const config = configOf("single_stage", { ...SMALL, head: { feat_channels: 8, stacked_convs: 1, ...head } });
  const graph = trace((scope) => singleStage(scope, scope.graph.input("image", [1, 3, 32, 64]), config, mode));
  const parameters = initialWeights(graph, 0);
  // So that places differ by more than rounding does.
  for (const [name, value] of parameters)
    if (/^bbox_head\..*weight$/.test(name))
      parameters.set(name, tensor("float32", value.shape, hashedValues(name, value.data.length, 0.3, 0, 0)));
  const image = tensor("float32", [1, 3, 32, 64], hashedValues("image", 3 * 32 * 64, 1.5, 0, 0));
  return interpret(graph, { inputs: { image }, parameters });
}

describe.each(["RetinaHead", "FCOSHead"])("%s", (type) => {
  const frozen = Mode.training({ keepsStatistics: () => true });
  const all = answer({ type }, frozen);
  const best = answer({ type }, Mode.inference());
  const rows = (answers: ReadonlyMap<string, TensorData>, name: string, width: number) => {
    const values = toFloat64(answers.get(name)!);
    return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
  };

  test("gives of every level the candidates whose best class is surest", () => {
    const levels = levelsOf(configOf("single_stage", SMALL));
    const each = type === "RetinaHead" ? 9 : 1;
    const scores = rows(all, "logits", 3).map((row) => Math.max(...row));
    let [start, at] = [0, 0];
    const found = rows(best, "logits", 3).map((row) => Math.max(...row));
    const boxes = rows(best, "boxes", 4);
    for (const { height, width } of levels) {
      const own = scores.slice(start, start + height * width * each);
      const order = own.map((_, i) => i).sort((a, b) => own[b]! - own[a]!);
      const kept = own.length <= 6 ? own.map((_, i) => i) : order.slice(0, 6);
      for (const i of kept) {
        expect(found[at]).toBeCloseTo(own[i]!, 6);
        [...boxes[at]!].forEach((value, side) => {
          expect(value).toBeCloseTo(rows(all, "boxes", 4)[start + i]![side]!, 6);
        });
        at++;
      }
      start += own.length;
    }
    expect(found.length).toBe(at);
  });

  test("boxes are in the picture", () => {
    for (const [x, y, width, height] of rows(all, "boxes", 4)) {
      expect(x! - width! / 2).toBeGreaterThan(-1e-6);
      expect(y! + height! / 2).toBeLessThan(1 + 1e-6);
      expect(Math.min(width!, height!)).toBeGreaterThanOrEqual(0);
    }
  });
});

/** Corners of a place's box, and its part in a picture of 96 x 64 pixels. */
function boxOf(type: SingleStageConfig["head"]["type"], place: readonly number[], regression: readonly number[]) {
  const graph = trace((scope) => {
    const corners = cornersOf(scope.graph.input("place", [1, 1, 4]), scope.graph.input("by", [1, 1, 4]), type);
    return { corners, relative: relativeBoxes(corners, { height: 64, width: 96 }) };
  });
  const row = (values: readonly number[]) => tensor("float32", [1, 1, 4], Float32Array.from(values));
  const found = interpret(graph, { inputs: { place: row(place), by: row(regression) }, parameters: new Map() });
  return { corners: [...toFloat64(found.get("corners")!)], relative: [...toFloat64(found.get("relative")!)] };
}

test("boxes by hand", () => {
  const config = configOf("retinanet_r50_fpn");
  const [level] = levelsOf(config);
  const places = toFloat64(placesOf(level!, config));
  const place = (row: number) => [...places.slice(4 * row, 4 * row + 4)];
  // Wide, square and tall, of three sizes each, around the corner of a cell; the second cell is a stride to the right.
  expect(place(3)).toEqual([0, 0, 32, 32]);
  expect(place(9 + 3)).toEqual([8, 0, 32, 32]);
  const [, , wide, low] = place(0);
  expect([wide!, low!].map((side) => side.toFixed(3))).toEqual([
    (32 * Math.SQRT2).toFixed(3),
    (32 / Math.SQRT2).toFixed(3),
  ]);
  expect(boxOf("RetinaHead", [48, 32, 16, 8], [0.5, -1, Math.log(2), 0]).corners).toEqual(
    [40, 20, 72, 28].map((x) => expect.closeTo(x, 5)),
  );
  // Twenty pixels of it are left of the picture.
  const reaching = boxOf("FCOSHead", [20, 32, 8, 8], [40, 8, 4, 16]);
  expect(reaching.corners).toEqual([-20, 24, 24, 48]);
  expect(reaching.relative).toEqual([12 / 96, 36 / 64, 24 / 96, 24 / 64].map((x) => expect.closeTo(x, 6)));
});

test("SEPC as released loses a cell on every side of every map, as intended none", () => {
  const sizes = (padding: number) =>
    levelsOf(configOf("retinanet_r50_sepc", { sepc: { padding }, img_size: 512 })).map(({ height }) => height);
  expect(sizes(0)).toEqual([62, 30, 14, 6, 2]);
  expect(sizes(1)).toEqual([64, 32, 16, 8, 4]);
});

test.each([
  [{ sepc: {}, bvr: {} }, "sepc and bvr are not combined"],
  [{ sepc: {}, img_size: 256 }, "img_size must leave every map at least one cell"],
  [{ head: { norm_groups: 7 } }, "norm_groups of head must divide its feat_channels"],
  [{ neck: { num_outs: 2 } }, "num_outs must reach the backbone's last stage"],
  [{ backbone: "resnet51" }, "resnet51"],
  [{ bvr: { base_size: [401, 400] } }, "base_size must be even"],
  [{ head: { type: "SSDHead" } }, "head.type"],
])("%o cannot be", (fields, message) => {
  expect(() => configOf("single_stage", fields)).toThrow(UsageError);
  expect(() => configOf("single_stage", fields)).toThrow(message);
});
