// GFNet in small: checkpoints in the official layout, the official code's numbers, one graph and stages, and files that are not what they say.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FormatError, UsageError, WeightsMismatchError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { exportOnnx, exportStages } from "../src/model-folder/compile.ts";
import { convertCheckpoint } from "../src/model-folder/convert.ts";
import { loadModel, requireNative, writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { verifyStages } from "../src/model-folder/verify.ts";
import { GFNET_BACKBONES, type GfnetBackbone, type GfnetConfig } from "../src/models/gfnet/config.ts";
import { encoderSizes } from "../src/models/gfnet/encoder.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { SequentialSession } from "../src/runtime/sequential-session.ts";
import { type TensorData, tensor, toFloat32 } from "../src/tensor.ts";
import { TOY_CONFIG, TOY_KINDS, type ToyKind, toyOutputs, toyPath, toyPictures } from "./gfnet-toys.ts";
import { maxDifference } from "./golden-case.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-gfnet-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = async (kind: ToyKind) =>
  requireNative(await loadModel(nodeHost, toyPath(kind), { architecture: "gfnet", config: TOY_CONFIG[kind] }));

const TOLERANCE = 1e-5;

function expectAnswers(kind: ToyKind, outputs: (name: string) => TensorData | undefined, tolerance = TOLERANCE): void {
  for (const [name, expected] of toyOutputs(kind))
    expect(maxDifference(outputs(name), expected), name).toBeLessThan(tolerance);
}

describe.each(TOY_KINDS)("%s", (kind) => {
  test("the official layout loads as it is, with what it says of itself", async () => {
    const model = await load(kind);
    const config = model.definition.config as GfnetConfig;
    expect(config).toMatchObject({ arch: "resnet50", patch_size: 32, T: 3, feature_num: 16, flops: [1, 2.2, 3.4] });
    expect(config.anytime_classification).toEqual([40, 50.5, 60.25]);
    expect(config.dynamic_threshold).toHaveLength(39);
    expect(config.dynamic_threshold![1]![0]).toBeCloseTo(0.22, 6);
    expect(config.budgeted_batch_classification?.map((row) => row.length)).toEqual([39, 39]);
    expect(model.card.transform).toBe("resize_small(73,bilinear)|central_crop(64)|normalize(imagenet)");
  });

  test("the interpreter gives the official numbers", async () => {
    const model = await load(kind);
    const outputs = interpret(inferenceGraph(model.definition), {
      inputs: { image: toyPictures() },
      parameters: model.weights,
    });
    expectAnswers(kind, (name) => outputs.get(name));
    expect(outputs.get("features")!.shape).toEqual([4, kind === "recurrent" ? 16 : 48]);
  });

  test.each([
    ["cpu", "onnxruntime"],
    ["cpu", "portable"],
    ["wasm", "portable"],
  ] as const)("%s, %s: so does one graph", async (device, target) => {
    await using session = await nodeHost.createSession(exportOnnx(await load(kind), { target }), { device });
    const outputs = await session.run({ image: toyPictures() });
    expectAnswers(kind, (name) => outputs[name]);
    const regions = [...toFloat32(outputs.regions!)].map((value) => value * 64);
    const corners = [...toFloat32(toyOutputs(kind).get("actions")!)].map((action) => Math.floor(action * 32));
    // Actions are row and column; regions x1, y1, x2, y2.
    for (let i = 0; i < corners.length; i += 2)
      expect(regions.slice(2 * i, 2 * i + 4)).toEqual([
        corners[i + 1]!,
        corners[i]!,
        corners[i + 1]! + 32,
        corners[i]! + 32,
      ]);
  });

  test.each(["cpu", "wasm"] as const)(
    "%s: so do the stages, and pictures that stop do not change the others",
    async (device) => {
      const model = await load(kind);
      const { steps, files, macs } = exportStages(model, { target: "onnxruntime" });
      expect(steps).toEqual(kind === "recurrent" ? ["glance", "focus", "focus"] : ["glance", "focus.1", "focus.2"]);
      expect(macs.every((cost) => cost > 0)).toBe(true);
      const sequence = new SequentialSession(steps, await nodeHost.createStagedSession(files, { device }));
      try {
        const expected = toFloat32(toyOutputs(kind).get("logits")!);
        const going = [[3, 0, 2], [1], []]; // by position: pictures 3, 0 and 2, then 0
        const taking: (readonly number[])[] = [];
        await sequence.run(
          toyPictures(),
          ({ step, rows, outputs }) => {
            taking.push(rows);
            const logits = toFloat32(outputs.logits!);
            for (const [position, row] of rows.entries()) {
              const answer = tensor("float32", [10], logits.slice(position * 10, position * 10 + 10));
              const at = (step * 4 + row) * 10;
              expect(maxDifference(answer, tensor("float32", [10], expected.slice(at, at + 10)))).toBeLessThan(
                TOLERANCE,
              );
            }
            return going[step]!;
          },
          { outputs: ["logits", "region"] },
        );
        expect(taking).toEqual([[0, 1, 2, 3], [3, 0, 2], [0]]);
      } finally {
        await sequence.dispose();
      }
    },
  );

  test("a model folder keeps everything", async () => {
    const path = join(folder, kind);
    const { model, renamed, dropped } = convertCheckpoint(readFileSync(toyPath(kind)), "toy", {
      architecture: "gfnet",
      config: TOY_CONFIG[kind],
    });
    expect(renamed).toEqual([]);
    expect(dropped.every((name) => name.endsWith("num_batches_tracked"))).toBe(true);
    await writeModelFolder(nodeHost.files, path, model);
    const again = requireNative(await loadModel(nodeHost, path));
    expect(again.definition.config).toEqual(model.definition.config);
    expect([...again.weights.keys()].sort()).toEqual([...model.weights.keys()].sort());
    await using session = await nodeHost.createSession(exportOnnx(again), { device: "cpu" });
    const outputs = await session.run({ image: toyPictures() });
    expectAnswers(kind, (name) => outputs[name]);
  });
});

describe("what cannot be", () => {
  const config = { arch: "resnet50", patch_size: 96, T: 5 };
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["an unknown backbone", { arch: "resnet5000" }, /arch/],
    ["no patch", { patch_size: 0 }, /patch_size/],
    ["a patch larger than the picture", { patch_size: 256 }, /patch_size 256 is larger than image_size 224/],
    ["one look", { T: 1 }, /T/],
    ["widths that the backbone does not have", { feature_num: 7, T: 2 }, /feature_num is 7, but resnet50 .* has 2048/],
    ["fields that the backbone does not have", { backbone: { wheels: 4 } }, /wheels/],
    ["layers for more looks than there are", { fc_rnn: false, glance_head: "encoder", T: 6 }, /at most 5 looks/],
    ["the classifier's glance without a recurrent one", { fc_rnn: false }, /glance_head/],
    ["costs that are no numbers", { flops: ["much"] }, /flops/],
  ])("%s", (_, changes, message) => {
    const build = () => inferenceGraph(defineModel("gfnet", { ...config, ...changes }));
    expect(build).toThrow(UsageError);
    expect(build).toThrow(message);
  });

  test("a checkpoint without its policy, or with another patch", async () => {
    const { definition, weights } = await load("recurrent");
    const without = new Map([...weights].filter(([name]) => !name.startsWith("policy.")));
    expect(() => nativeModel(definition, without, { name: "toy" })).toThrow(FormatError);
    expect(() => nativeModel(definition, without, { name: "toy" })).toThrow(/no tensor named policy\.\*/);
    const larger = defineModel("gfnet", { ...(definition.config as object), patch_size: 64 });
    expect(() => nativeModel(larger, weights, { name: "toy" })).toThrow(WeightsMismatchError);
    expect(() => nativeModel(larger, weights, { name: "toy" })).toThrow(/policy\.state_encoder\.3\.weight/);
  });
});

test("a backbone of another depth: its stages agree on the size of the map", async () => {
  const definition = defineModel("gfnet", {
    ...TOY_CONFIG.recurrent,
    arch: "resnet50",
    backbone: { block: "BasicBlock", layers: [1, 1], stem_channels: 8, channels: [8, 16] },
    patch_size: 32,
    T: 2,
  });
  const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 1), { name: "shallow" });
  const check = await verifyStages(nodeHost, model, exportStages(model, {}), { device: "cpu" });
  expect(check.largest.difference).toBeLessThan(1e-5);
});

test("fourteen released models, and the widths they state are their backbones'", () => {
  const released = [...registry.values()].filter(({ labels, architecture }) => architecture === "gfnet" && labels);
  expect(released).toHaveLength(14);
  const arches = Object.entries(GFNET_BACKBONES) as [GfnetBackbone, (typeof GFNET_BACKBONES)[GfnetBackbone]][];
  for (const [arch, { feature_num, feature_map_channels }] of arches)
    expect(encoderSizes({ arch, backbone: {} }), arch).toEqual({ feature_num, feature_map_channels, side: 1 });
});
