// Gabor filters whose numbers are learnt within bounds: a wave under a Gaussian, g(x, y) = exp(-(x'^2 + aspect^2 y'^2) / (2 deviation^2)) cos(2 pi x' / wavelength + phase), where x' and y' are x
// and y turned by the orientation (Daugman 1985). The gradient goes through the filters to the five numbers of each.
import {
  add,
  conv,
  cos,
  div,
  exp,
  mul,
  neg,
  reduceSum,
  reshape,
  sigmoid,
  sin,
  sub,
  values,
} from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { GaborConfig } from "./config.ts";

type FilterConfig = Pick<GaborConfig, "num_filters" | "kernel_size" | "wavelength" | "deviation" | "aspect">;

type Bounds = readonly [low: number, high: number];

/** Orientations that filters begin with. */
const ORIENTATIONS = 8;

/** patches (M, 1, S, S) -> (M, num_filters, S - kernel_size + 1, …) */
export function gaborAnswers(scope: Scope, patches: Tensor, config: FilterConfig): Tensor {
  return conv(patches, gaborKernels(scope, config), undefined);
}

/** (num_filters, 1, kernel_size, kernel_size); each is as strong as its Gaussian is large. */
export function gaborKernels(scope: Scope, config: FilterConfig): Tensor {
  const { num_filters: count, kernel_size: size } = config;
  const { wavelength, orientation, deviation, aspect, phase } = filterNumbers(scope, config);
  const middle = (size - 1) / 2;
  const places = Array.from({ length: size * size }, (_, i) => i);
  const x = values(
    scope.graph,
    [1, size * size],
    places.map((i) => (i % size) - middle),
  );
  const y = values(
    scope.graph,
    [1, size * size],
    places.map((i) => Math.floor(i / size) - middle),
  );
  const along = add(mul(x, cos(orientation)), mul(y, sin(orientation))); // (filters, places)
  const across = mul(sub(mul(y, cos(orientation)), mul(x, sin(orientation))), aspect);
  const distance = add(mul(along, along), mul(across, across));
  const envelope = exp(neg(div(distance, mul(mul(deviation, deviation), 2))));
  const wave = cos(add(div(mul(along, 2 * Math.PI), wavelength), phase));
  const kernels = div(mul(envelope, wave), reduceSum(envelope, [1], { keepDims: true }));
  return reshape(kernels, [count, 1, size, size]);
}

/** (num_filters, 1) each. What is learnt is where between its bounds a number is: they cannot be left. */
function filterNumbers(scope: Scope, { num_filters: count, wavelength, deviation, aspect }: FilterConfig) {
  const octaves = Math.max(1, Math.ceil(count / ORIENTATIONS));
  const share = (place: number, of: number) => (place + 0.5) / of;
  const between = (name: string, [low, high]: Bounds, start: (filter: number) => number) => {
    const logits = Array.from({ length: count }, (_, filter) => logit((start(filter) - low) / (high - low)));
    const raw = scope.parameter(name, [count, 1], { kind: "values", values: logits });
    return add(mul(sigmoid(raw), high - low), low);
  };
  const wavelengthAt = (filter: number) =>
    wavelength[0] * (wavelength[1] / wavelength[0]) ** share(Math.floor(filter / ORIENTATIONS), octaves);
  const inside = (value: number, [low, high]: Bounds) =>
    Math.min(Math.max(value, low + 0.05 * (high - low)), high - 0.05 * (high - low));
  return {
    wavelength: between("wavelength", wavelength, wavelengthAt),
    orientation: between("orientation", [0, Math.PI], (filter) => Math.PI * share(filter % ORIENTATIONS, ORIENTATIONS)),
    // An octave of wavelengths.
    deviation: between("deviation", deviation, (filter) => inside(0.56 * wavelengthAt(filter), deviation)),
    aspect: between("aspect", aspect, () => inside(0.5, aspect)),
    phase: between("phase", [-Math.PI, Math.PI], () => 0),
  };
}

function logit(share: number): number {
  return Math.log(share / (1 - share));
}
