// Regions of interest: where a token looks. Kept as centre and size, coordinates first (n, tokens, axes, 1), so that x, y (and time) are
// planes; turned into corners (x1, y1, x2, y2) only for outputs. Official: modeling.py roi_adjust, position_encoding; media.py for 3-D.
import { abs, add, concat, cos, exp, mul, reshape, sin, slice, stopGradient, sub, values } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** 2 for pictures (x, y), 3 for videos (x, y, t). */
export type Axes = 2 | 3;

/** Regions as centre and signed size, in 0..1 of the picture: each (n, tokens, axes, 1), where n is 1 while nothing depends on the picture. */
export interface Regions {
  readonly centre: Tensor;
  readonly size: Tensor;
}

/** corners (n, tokens, 2 axes) -> centre and size. */
export function regionsFromCorners(corners: Tensor, axes: Axes): Regions {
  const [n, tokens] = corners.shape as [Dim, Dim];
  const low = reshape(slice(corners, 2, 0, axes), [n, tokens, axes, 1]);
  const high = reshape(slice(corners, 2, axes, 2 * axes), [n, tokens, axes, 1]);
  return { centre: mul(add(low, high), 0.5), size: sub(high, low) };
}

/** (n, tokens, 2 axes): x1, y1[, t1], x2, y2[, t2]. */
export function cornersOfRegions({ centre, size }: Regions): Tensor {
  const [n, tokens, axes] = centre.shape as [Dim, Dim, number];
  const half = mul(size, 0.5);
  return reshape(concat([sub(centre, half), add(centre, half)], 2), [n, tokens, 2 * axes]);
}

/** Moves centres by a share of the size and scales sizes by exp: adjustment (n, tokens, 2 axes) holds shifts, then log scales. */
export function adjustRegions({ centre, size }: Regions, adjustment: Tensor): Regions {
  const [, , axes] = centre.shape as [Dim, Dim, number];
  const [n, tokens] = adjustment.shape as [Dim, Dim];
  const shift = reshape(slice(adjustment, 2, 0, axes), [n, tokens, axes, 1]);
  const scale = reshape(slice(adjustment, 2, axes, 2 * axes), [n, tokens, axes, 1]);
  const extent = abs(size);
  return { centre: add(centre, mul(shift, extent)), size: mul(extent, exp(scale)) };
}

const MAX_TEMPERATURE = 128;

/** Sines and cosines of every corner coordinate: (n, tokens, width). No gradient flows into the regions. Zero for videos, as officially. */
export function encodeRegions(regions: Regions, width: number): Tensor {
  const [n, tokens, axes] = regions.centre.shape as [Dim, Dim, Axes];
  const { graph } = regions.centre;
  if (axes === 3) return values(graph, [1, 1, width], new Float32Array(width));
  const frequencies = Math.floor(width / 4);
  const temperature = (i: number) => Math.exp((Math.log(MAX_TEMPERATURE) * i) / Math.max(1, frequencies - 1));
  const all = Array.from({ length: frequencies }, (_, i) => temperature(i));
  const even = all.filter((_, i) => i % 2 === 0);
  const odd = all.filter((_, i) => i % 2 === 1);
  const angle = mul(reshape(stopGradient(cornersOfRegions(regions)), [n, tokens, 4, 1]), Math.PI); // (n, tokens, 4, 1)
  const waves = concat(
    [sin(mul(angle, values(graph, [even.length], even))), cos(mul(angle, values(graph, [odd.length], odd)))],
    3,
  ); // (n, tokens, 4, width / 4)
  return reshape(waves, [n, tokens, 4 * frequencies]);
}

/** The official start: half-size regions on a square grid; what does not fit the square sees the whole picture. Rows of x1, y1, x2, y2. */
export function gridRegions(tokens: number): Float32Array {
  const root = Math.floor(Math.sqrt(tokens));
  const out = new Float32Array(tokens * 4);
  for (let token = 0; token < tokens; token++) {
    const inGrid = token < root * root;
    const place = (position: number) => (inGrid && root > 1 ? (position / (root - 1)) * 0.5 : inGrid ? 0.25 : 0);
    const x = place(Math.floor(token / root));
    const y = place(token % root);
    const size = inGrid ? 0.5 : 1;
    out.set([x, y, x + size, y + size], token * 4);
  }
  return out;
}

/** Image regions for a video: each repeated along time, with its slice of the duration. Official: media.py load_2d_state_dict. */
export function inflateRegions(regions: Float32Array, replicates: number): Float32Array {
  const tokens = regions.length / 4;
  const out = new Float32Array(replicates * tokens * 6);
  for (let r = 0; r < replicates; r++)
    for (let token = 0; token < tokens; token++) {
      const [x1, y1, x2, y2] = regions.subarray(token * 4, token * 4 + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      out.set([x1, y1, r / replicates, x2, y2, (r + 1) / replicates], (r * tokens + token) * 6);
    }
  return out;
}

export function initialRegions(tokens: number, axes: Axes, replicates: number): Initializer {
  const grid = gridRegions(tokens);
  return { kind: "values", values: axes === 2 ? grid : inflateRegions(grid, replicates) };
}
