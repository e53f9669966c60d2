// Convolution, pooling, sampling and resizing.
import * as g from "../../src/graph/build.ts";
import type { Shape } from "../../src/graph/dimensions.ts";
import type { SpatialOps } from "../../src/graph/ops.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { cases, type OpCase, type OpCases } from "./case.ts";

const spatialInputs = { x: { shape: ["batch", 4, "height", "width"] } } as const;

function convCases(): OpCase[] {
  const make = (title: string, weight: readonly number[], options: g.ConvOptions, biased = true): OpCase => ({
    title,
    inputs: {
      x: {
        shape: ["batch", weight[1]! * (options.groups ?? 1), ...["height", "width", 6].slice(0, weight.length - 2)],
      },
      weight: { shape: weight },
      ...(biased ? { bias: { shape: [weight[0]!] } } : {}),
    },
    build: ({ x, weight, bias }) => g.conv(x!, weight!, bias, options),
  });
  return [
    make("plain, no bias", [6, 4, 3, 3], {}, false),
    make("strides and padding", [6, 4, 3, 3], { strides: [2, 1], padding: [1, 1] }),
    make("uneven padding", [6, 4, 2, 3], { padsBefore: [0, 1], padsAfter: [1, 2], strides: [2, 2] }),
    make("dilations", [6, 4, 3, 2], { dilations: [2, 3], padding: [2, 0] }),
    make("groups", [6, 2, 3, 3], { groups: 2 }),
    make("depthwise", [4, 1, 3, 3], { groups: 4, padding: [1, 1] }),
    make("one dimension", [6, 4, 3], { strides: [2] }),
    make("three dimensions", [3, 4, 2, 3, 2], { strides: [1, 2, 2], padding: [1, 0, 1] }),
    make("six channels", [5, 6, 3, 3], { strides: [2, 2], padding: [1, 1] }),
    make("nine channels, single pixels", [4, 9, 1, 1], {}),
    make("six channels, one dimension", [4, 6, 3], {}),
    make("six channels, three dimensions", [3, 6, 2, 2, 2], {}),
  ];
}

function convTransposeCases(): OpCase[] {
  const make = (
    title: string,
    weight: readonly number[],
    options: Parameters<typeof g.convTranspose>[3],
    biased = true,
  ): OpCase => ({
    title,
    inputs: {
      x: { shape: ["batch", weight[0]!, ...["height", "width", 4].slice(0, weight.length - 2)] },
      weight: { shape: weight },
      ...(biased ? { bias: { shape: [weight[1]! * (options?.groups ?? 1)] } } : {}),
    },
    build: ({ x, weight, bias }) => g.convTranspose(x!, weight!, bias, options),
  });
  return [
    make("plain, no bias", [4, 5, 3, 3], {}, false),
    make("strides and padding", [4, 5, 3, 3], { strides: [2, 2], padding: [1, 1] }),
    make("output padding", [4, 5, 3, 3], { strides: [2, 3], padding: [1, 1], outputPadding: [1, 2] }),
    make("uneven padding", [4, 5, 3, 2], { strides: [2, 2], padsBefore: [1, 0], padsAfter: [0, 1] }),
    make("dilations", [4, 2, 3, 3], { dilations: [2, 1] }),
    make("groups", [4, 3, 3, 3], { groups: 2 }),
    make("six channels", [6, 5, 3, 3], { strides: [2, 2], padding: [1, 1] }),
    make("one dimension", [4, 5, 3], { strides: [2] }),
    make("three dimensions", [4, 2, 2, 2, 2], { strides: [2, 2, 2] }),
  ];
}

function poolCases(pool: (x: Tensor, kernel: readonly number[], options: g.ConvOptions) => Tensor): OpCase[] {
  return [
    {
      title: "3 x 3 stride 2, padded",
      inputs: spatialInputs,
      build: ({ x }) => pool(x!, [3, 3], { strides: [2, 2], padding: [1, 1] }),
    },
    { title: "overlapping, not padded", inputs: spatialInputs, build: ({ x }) => pool(x!, [2, 3], {}) },
    {
      title: "uneven padding",
      inputs: spatialInputs,
      build: ({ x }) => pool(x!, [3, 2], { strides: [2, 1], padsBefore: [0, 1], padsAfter: [2, 0] }),
    },
    {
      title: "one dimension",
      inputs: { x: { shape: ["batch", 4, "width"] } },
      build: ({ x }) => pool(x!, [2], { strides: [2] }),
    },
    {
      title: "three dimensions",
      inputs: { x: { shape: ["batch", 2, 4, "height", "width"] } },
      build: ({ x }) => pool(x!, [2, 2, 2], { strides: [2, 2, 2] }),
    },
  ];
}

function gridSampleCases(): OpCase[] {
  const paddings = ["zeros", "border", "reflection"] as const;
  const sampled = (title: string, features: Shape, grid: Shape, options: SpatialOps["gridSample"]): OpCase => ({
    title: `${title}, ${options.mode}, ${options.padding}${options.alignCorners ? ", corners aligned" : ""}`,
    // Up to more than one map's width beyond the map: reflections turn more than once.
    inputs: { features: { shape: features }, grid: { shape: grid, low: -3.6, high: 3.6 } },
    build: ({ features, grid }) => g.gridSample(features!, grid!, options),
  });
  const modes = ["linear", "nearest", "cubic"] as const;
  const linear: [string, Shape, Shape][] = [
    ["picture, fixed", [2, 3, 5, 4], [2, 6, 1, 2]],
    ["volume", ["batch", 3, 4, "height", "width"], ["batch", "tokens", 2, 2, 3]],
  ];
  return [
    ...modes.flatMap((mode) =>
      paddings.flatMap((padding) =>
        [false, true].map((alignCorners) =>
          sampled("picture", ["batch", 3, "height", "width"], ["batch", "tokens", 4, 2], {
            mode,
            padding,
            alignCorners,
          }),
        ),
      ),
    ),
    ...modes.map((mode) =>
      sampled("one cell", [1, 2, 1, 1], [1, 3, 3, 2], { mode, padding: "reflection", alignCorners: true }),
    ),
    ...linear.flatMap(([title, features, grid]) =>
      paddings.map((padding) => sampled(title, features, grid, { mode: "linear", padding, alignCorners: false })),
    ),
    ...(["linear", "nearest"] as const).map((mode) =>
      sampled("volume, fixed", [2, 2, 3, 4, 5], [2, 1, 3, 4, 3], { mode, padding: "reflection", alignCorners: true }),
    ),
  ];
}

function resizeCases(): OpCase[] {
  const modes = [
    ["linear", false],
    ["linear", true],
    ["cubic", false],
    ["cubic", true],
    ["nearest", false],
  ] as const;
  const targets: [string, Shape, Shape][] = [
    ["larger", ["batch", 2, 4, 5], [9, 7]],
    ["smaller", [2, 3, 9, 8], [4, 3]],
    ["to one cell", [1, 2, 4, 5], [1, 1]],
    ["to free sizes", ["batch", 2, "height", "width"], ["2*height", "3*width"]],
  ];
  return [
    ...modes.flatMap(([mode, alignCorners]) =>
      targets.map(
        ([title, from, to]): OpCase => ({
          title: `${mode}${alignCorners ? ", corners aligned" : ""}, ${title}`,
          inputs: { x: { shape: from } },
          build: ({ x }) => g.resize(x!, to, mode, alignCorners),
        }),
      ),
    ),
    {
      title: "between transposes",
      inputs: { x: { shape: [2, 6, 5, 3] } },
      build: ({ x }) => {
        const larger = g.resize(g.transpose(x!, [0, 3, 1, 2]), [8, 9], "linear"); // (2, 3, 8, 9)
        return g.mul(g.transpose(larger, [0, 2, 3, 1]), 2);
      },
    },
    {
      title: "linear volume",
      inputs: { x: { shape: ["batch", 2, 3, 4, 5] } },
      build: ({ x }) => g.resize(x!, [5, 6, 7], "linear"),
    },
    {
      title: "nearest volume",
      inputs: { x: { shape: [1, 2, 3, 4, 5] } },
      build: ({ x }) => g.resize(x!, [5, 3, 7], "nearest"),
    },
    {
      title: "linear, one dimension",
      inputs: { x: { shape: ["batch", 2, 4] } },
      build: ({ x }) => g.resize(x!, [7], "linear"),
    },
  ];
}

export const spatialCases: OpCases<keyof SpatialOps> = {
  conv: cases(convCases()),
  convTranspose: cases(convTransposeCases()),
  maxPool: cases([
    ...poolCases(g.maxPool),
    {
      title: "float16",
      inputs: { x: { shape: ["batch", 2, "height", "width"], dtype: "float16" } },
      build: ({ x }) => g.maxPool(x!, [3, 3], { strides: [2, 2] }),
    },
  ]),
  averagePool: cases([
    ...poolCases(g.averagePool),
    {
      title: "padding not counted",
      inputs: spatialInputs,
      build: ({ x }) => g.averagePool(x!, [3, 3], { strides: [2, 2], padding: [1, 1], countIncludesPadding: false }),
    },
  ]),
  gridSample: cases(gridSampleCases()),
  resize: cases(resizeCases()),
};
