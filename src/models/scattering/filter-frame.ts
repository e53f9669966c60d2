// An extractor of anybody's filters (frame.ts): small kernels for each layer in the configuration, a non-linearity, a pooling. It is refused where it could bring pictures farther apart
// than they are, unless its filters may be scaled down.
import { z } from "zod";
import { reshape } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { type Admissibility, admissibility, besselBound, layerBounds } from "./admissibility.ts";
import { type Complex, fft2, zeros } from "./fft.ts";
import { halfColumns, type Spectrum } from "./fourier.ts";
import { extract, type Frame, NON_LINEARITIES, POOLINGS } from "./frame.ts";
import type { Grid } from "./geometry.ts";

const side = z.int().min(2).max(512);
const kernel = z
  .array(z.array(z.number().min(-1e6).max(1e6)).min(1).max(63))
  .min(1)
  .max(63)
  .refine((rows) => rows.every((row) => row.length === rows[0]!.length), "the rows of a kernel must be equally long");

const layer = z.strictObject({
  /** Real filters in space, each row by row around its middle. */
  kernels: z.array(kernel).min(1).max(256),
  /** Imaginary parts of the same filters, which the modulus takes together with them. */
  imaginary: z.array(kernel).optional(),
  /** The filter whose answer to the layer's signals is given out. */
  low_pass: kernel,
  /** One value of so many by so many goes on. */
  factor: z.int().min(1).max(16).default(1),
});

export const filterFrameSchema = z
  .strictObject({
    /** Height and width of the picture in pixels. */
    shape: z.tuple([side, side]).default([32, 32]),
    in_channels: z.literal([1, 3]).default(3),
    layers: z.array(layer).min(1).max(4),
    /** The filter behind the last layer. */
    low_pass: kernel,
    non_linearity: z.enum(NON_LINEARITIES).default("modulus"),
    pooling: z.enum(POOLINGS).default("subsample"),
    /** By how much what is given out is sub-sampled: a multiple of what the layers do. */
    output_stride: z.int().min(1).max(256).default(4),
    /** Whether filters of a layer may be scaled down together, so that the extractor is non-expansive. */
    normalize: z.boolean().default(false),
    /** Classes of the linear head; 0 for none, where the answer is what is given out. */
    num_classes: z.int().min(0).max(100_000).default(0),
  })
  .refine(
    ({ layers, output_stride }) => output_stride % factorOf(layers) === 0,
    "output_stride must be a multiple of the product of the layers' factors",
  )
  .refine(
    ({ layers }) =>
      layers.every(({ kernels, imaginary }) => imaginary === undefined || imaginary.length === kernels.length),
    "a layer must have as many imaginary parts as kernels, or none",
  )
  .refine(
    (config) =>
      pathsOf(
        config.layers.map(({ kernels, imaginary }) =>
          answersOf(kernels.length, imaginary !== undefined, config.non_linearity),
        ),
      ) <= 4096,
    "these are more than 4096 paths; fewer filters or layers give less",
  );

export type FilterFrameConfig = z.infer<typeof filterFrameSchema>;

const factorOf = (layers: readonly { readonly factor: number }[]) =>
  layers.reduce((all, { factor }) => all * factor, 1);

function answersOf(kernels: number, isComplex: boolean, nonLinearity: string): number {
  return isComplex && nonLinearity !== "modulus" ? 2 * kernels : kernels;
}

/** Signals of all layers together. */
function pathsOf(answers: readonly number[]): number {
  return answers.reduceRight((behind, count) => 1 + count * behind, 1);
}

function gridOf({ shape, output_stride }: FilterFrameConfig): Grid {
  const [height, width] = shape.map((size) => Math.ceil(size / output_stride) * output_stride) as [number, number];
  return { height, width };
}

/** image (N, in_channels, height, width) -> what is given out, one after another, as `features`, and `logits`: the head's, or the same. */
export function filterFrame(
  scope: Scope,
  image: Tensor,
  config: FilterFrameConfig,
  _mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const [batch, channels, ...size] = image.shape as [Tensor["shape"][number], number, number, number];
  const answers = extract(reshape(image, [-1, 1, ...size]), frameOf(scope, config));
  const [paths, height, width] = answers.shape.slice(1) as [number, number, number];
  const map = reshape(answers, [batch, channels * paths, height, width]);
  scope.layer("paths", map);
  const features = reshape(map, [batch, channels * paths * height * width]);
  if (config.num_classes === 0) return { logits: features, features };
  return { logits: torchLinear(scope.at("classifier"), features, config.num_classes), features };
}

function frameOf(scope: Scope, config: FilterFrameConfig): Frame {
  const spectra = layerSpectra(config);
  const scales = scalesOf(config, spectra);
  return {
    grid: gridOf(config),
    nonLinearity: config.non_linearity,
    pooling: config.pooling,
    outputStride: config.output_stride,
    outputCrop: 0,
    lowPass({ atoms: { length: depth } }) {
      const { grid, lowPass } = spectra[depth]!;
      return declared(scope.at("layers", depth, "low_pass"), [lowPass], grid, scales[depth]!);
    },
    atoms({ atoms: { length: depth } }) {
      const { grid, kernels, imaginary } = spectra[depth]!;
      if (kernels.length === 0) return [];
      const at = scope.at("layers", depth);
      const real = declared(at.at("kernels"), kernels, grid, scales[depth]!);
      const { factor } = config.layers[depth]!;
      if (imaginary.length === 0) return [{ real, factor }];
      return [{ real, imaginary: declared(at.at("imaginary"), imaginary, grid, scales[depth]!), factor }];
    },
  };
}

interface LayerSpectra {
  readonly grid: Grid;
  readonly kernels: readonly Complex[];
  readonly imaginary: readonly Complex[];
  readonly lowPass: Complex;
}

/** Filters on the grids that their layers see; behind the last layer a low-pass alone. */
function layerSpectra(config: FilterFrameConfig): LayerSpectra[] {
  const whole = gridOf(config);
  const last = { kernels: [], imaginary: [], low_pass: config.low_pass, factor: 1 };
  return [...config.layers, last].map(({ kernels, imaginary = [], low_pass }, depth) => {
    const stride = factorOf(config.layers.slice(0, depth));
    const grid = { height: whole.height / stride, width: whole.width / stride };
    const spectrum = (rows: readonly (readonly number[])[]) => kernelSpectrum(rows, grid);
    return { grid, kernels: kernels.map(spectrum), imaginary: imaginary.map(spectrum), lowPass: spectrum(low_pass) };
  });
}

/** A kernel around its middle, periodic over the grid. */
function kernelSpectrum(rows: readonly (readonly number[])[], grid: Grid): Complex {
  const values = zeros(grid.height * grid.width);
  const wrap = (place: number, size: number) => ((place % size) + size) % size;
  for (const [i, row] of rows.entries())
    for (const [j, value] of row.entries()) {
      const at = wrap(i - (rows.length >> 1), grid.height) * grid.width + wrap(j - (row.length >> 1), grid.width);
      values.re[at]! += value;
    }
  return fft2(values, grid);
}

/** What the filters of each layer are multiplied by. */
function scalesOf({ normalize }: FilterFrameConfig, spectra: readonly LayerSpectra[]): number[] {
  return spectra.map((layer) => (normalize ? 1 / Math.sqrt(Math.max(1, besselOf(layer))) : 1));
}

const besselOf = ({ kernels, imaginary, lowPass }: LayerSpectra) => besselBound([...kernels, ...imaginary, lowPass]);

/** Whether it is non-expansive with its filters as they are given, or as they are scaled. */
export function filterFrameAdmissibility(config: FilterFrameConfig): Admissibility {
  const spectra = layerSpectra(config);
  const scales = scalesOf(config, spectra);
  const { non_linearity, pooling, layers } = config;
  return admissibility(
    spectra.map((layer, depth) =>
      layerBounds(besselOf(layer) * scales[depth]! ** 2, non_linearity, pooling, layers[depth]?.factor ?? 1),
    ),
  );
}

/** Filters as buffers, (filters, height, columns) each for the real and the imaginary part of their spectra. */
function declared(scope: Scope, filters: readonly Complex[], { height, width }: Grid, scale: number): Spectrum {
  const columns = halfColumns(width);
  const buffer = (name: "re" | "im") => {
    const values = new Float64Array(filters.length * height * columns);
    for (const [f, filter] of filters.entries())
      for (let row = 0; row < height; row++)
        for (let column = 0; column < columns; column++)
          values[(f * height + row) * columns + column] = scale * filter[name][row * width + column]!;
    return scope.buffer(name, [filters.length, height, columns], { kind: "values", values });
  };
  return { re: buffer("re"), im: buffer("im") };
}
