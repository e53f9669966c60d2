// Plain DETR and padding: a model that is told where a picture ends says the same of it however much padding there is, and a Detector tells it.
import { afterAll, describe, expect, test } from "vitest";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { Scope } from "../src/graph/scope.ts";
import { Graph } from "../src/graph/tensor.ts";
import { createPicture } from "../src/image/draw.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { parseTransform } from "../src/image/transform.ts";
import { viewsToPicture } from "../src/image/views.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel, type ModelDefinition } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type Detector, loadDetector } from "../src/tasks/detect/detector.ts";
import { extentInView } from "../src/tasks/engine/picture-extents.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { hashedValues } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";

const NAME = "plain_detr_swinv2_small_mim_boxrpb";
const SIDE = 64;

const toy = (width: number, height: number, fields: object = {}): ModelDefinition =>
  defineModel(NAME, { ...toyOf(NAME).config, ...fields, img_size: [height, width] });

const noise = (name: string, shape: readonly number[], scale: number) =>
  tensor("float32", shape, hashedValues(name, elementCount(shape), scale, 0, 3));

/** The same for every picture size. */
const weightsOf = (graph: Graph) =>
  new Map<string, TensorData>(
    [...initialWeights(graph, 0)].map(([name, { shape }]) => [name, noise(name, shape, 0.2)]),
  );

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe("the model", () => {
  const picture = toFloat64(noise("picture", [1, 3, SIDE, SIDE], 1));

  /** Boxes in pixels and logits for one picture of 64 x 64 in an image of this size. */
  function answer(fields: object, width: number, height: number, padded: boolean, fill = 0) {
    const { architecture, config } = toy(width, height, fields);
    const pixels = new Float32Array(3 * height * width).fill(fill);
    for (let row = 0; row < 3 * SIDE; row++) {
      const start = (Math.floor(row / SIDE) * height + (row % SIDE)) * width;
      pixels.set(picture.subarray(row * SIDE, (row + 1) * SIDE), start);
    }
    const graph = new Graph();
    const image = graph.input("image", [1, 3, height, width]);
    const outputs = architecture.build(new Scope(graph), image, config, Mode.inference({ padded }));
    const inputs = {
      image: tensor("float32", image.shape as number[], pixels),
      ...(padded ? { sizes: tensor("float32", [1, 2], Float32Array.of(SIDE, SIDE)) } : {}),
    };
    for (const name of ["boxes", "logits"]) graph.output(name, outputs[name]!);
    const values = interpret(graph, { inputs, parameters: weightsOf(graph) });
    const boxes = toFloat64(values.get("boxes")!).map((share, i) => share * (i % 2 === 0 ? width : height));
    return { boxes, logits: toFloat64(values.get("logits")!) };
  }

  test.each([
    ["boxes in shares", {}],
    ["boxes as changes of boxes", { reparam: true, position_embedding: "sine_unnorm" }],
  ])("%s: however much padding there is and of whatever colour, boxes and classes stay", (_, fields) => {
    const alone = answer(fields, SIDE, SIDE, false);
    for (const [width, height] of [
      [128, 64],
      [192, 64],
      [128, 96],
    ] as const) {
      const told = answer(fields, width, height, true);
      expect(furthest(told.boxes, alone.boxes)).toBeLessThan(0.02); // pixels; windows reach a little beyond the edge
      expect(furthest(told.logits, alone.logits)).toBeLessThan(1e-3);
      expect(furthest(answer(fields, width, height, false).boxes, alone.boxes)).toBeGreaterThan(20);
    }
    expect(answer(fields, 128, 64, true, 3).boxes).toEqual(answer(fields, 128, 64, true).boxes);
  });
});

describe("a detector", () => {
  const opened: Detector[] = [];
  afterAll(() => Promise.all(opened.map((one) => one.dispose())));

  async function open(width: number, height: number, transform?: string): Promise<Detector> {
    const definition = toy(width, height);
    const weights = weightsOf(inferenceGraph(definition));
    const detector = await loadDetector(
      nodeHost,
      nativeModel(definition, weights, { name: "toy", labels: ["a", "b", "c", "d", "e"] }),
      { device: "cpu", threads: 1, ...(transform === undefined ? {} : { transform }) },
    );
    opened.push(detector);
    return detector;
  }

  /** Not every noise will do: where proposals are equally likely but for rounding, others are chosen. */
  function noisePicture(width: number, height: number): RawImage {
    const picture = createPicture(width, height, [0, 0, 0]);
    picture.data.set(hashedValues("p0", picture.data.length, 127, 0, 3).map((value) => 128 + value));
    return picture;
  }

  test("pictures of several shapes, together: each is told where it ends", async () => {
    const wide = noisePicture(128, 64);
    const square = noisePicture(SIDE, SIDE);
    const options = { threshold: 0, only: ["a"] };
    const told = await (await open(128, 64)).detect([wide, square], options);
    const [alone] = await (await open(SIDE, SIDE)).detect([square], options);
    expect(told[1]!.detections).toHaveLength(7);
    for (const [i, { box, score }] of told[1]!.detections.entries()) {
      expect(furthest(box, alone!.detections[i]!.box)).toBeLessThan(0.02);
      expect(score).toBeCloseTo(alone!.detections[i]!.score, 3);
    }
    const red = await open(128, 64, "letterbox(128,64,bilinear,255/0/0,top_left)|normalize(imagenet)");
    expect((await red.detect(square, options)).detections).toEqual(told[1]!.detections);
  });

  test("a picture in the middle of its bars is a picture with bars", () => {
    const extent = (transform: string, width: number, height: number) =>
      extentInView(viewsToPicture(parseTransform(transform), "center", { width, height })[0]!, {
        width: 128,
        height: 64,
      });
    expect(extent("letterbox(128,64,bilinear,0/0/0,top_left)", 300, 301)).toEqual({ width: 64, height: 64 });
    expect(extent("letterbox(128,64,bilinear,0/0/0,top_left)", 640, 200)).toEqual({ width: 128, height: 40 });
    expect(extent("letterbox(128,64,bilinear)", 300, 300)).toEqual({ width: 128, height: 64 });
    expect(extent("resize(128,64)", 300, 300)).toEqual({ width: 128, height: 64 });
  });
});
