// The sizes of a scattering transform: what pictures are padded to, and how much comes of them (kymatio/kymatio, kymatio/scattering2d/utils.py).
import type { NonLinearity } from "./frame.ts";

/** Height and width of a picture, and over how many octaves it is averaged. */
export interface Transform {
  readonly J: number;
  readonly shape: readonly [height: number, width: number];
}

/** What says how many paths there are. */
export interface Branching {
  readonly J: number;
  readonly L: number;
  readonly max_order: 1 | 2;
  readonly non_linearity: NonLinearity;
}

export interface Grid {
  readonly height: number;
  readonly width: number;
}

/** The size that pictures are padded to: a multiple of 2^J with more than half of that on each side. */
export function paddedSize({ J, shape }: Transform): Grid {
  const [height, width] = shape.map((size) => (Math.floor(size / 2 ** J) + 2) * 2 ** J) as [number, number];
  return { height, width };
}

/** The size of the maps of coefficients: the padded one sub-sampled, without the first and last row and column. */
export function outputSize(config: Transform): Grid {
  const { height, width } = paddedSize(config);
  return { height: height / 2 ** config.J - 2, width: width / 2 ** config.J - 2 };
}

/** Maps of coefficients for one channel: 1 + J L + L^2 J (J - 1) / 2 for kymatio's. */
export function pathsOf({ J, L, max_order, non_linearity }: Branching): number {
  const answers = non_linearity === "modulus" ? L : 2 * L;
  const second = max_order === 2 ? (answers ** 2 * J * (J - 1)) / 2 : 0;
  return 1 + J * answers + second;
}
