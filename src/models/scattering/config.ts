// The scattering transform's configuration: kymatio's Scattering2D(J, shape, L, max_order, pre_pad) (kymatio/kymatio, BSD-3-Clause,
// kymatio/scattering2d/frontend/base_frontend.py), the choices that the theory leaves open, and a linear head.
import { z } from "zod";
import { NON_LINEARITIES, POOLINGS } from "./frame.ts";
import { outputSize, pathsOf } from "./geometry.ts";

const side = z.int().min(2).max(1024);

/** Numbers that one channel of a picture may become: more is a mistake, or an attack. */
const MOST_FEATURES = 2 ** 24;

export const scatteringSchema = z
  .strictObject({
    /** Octaves: the answer is averaged over, and sub-sampled by, 2^J pixels. */
    J: z.int().min(1).max(7).default(2),
    /** Height and width of the picture in pixels. */
    shape: z.tuple([side, side]).default([32, 32]),
    /** Angles of the wavelets within half a turn. */
    L: z.int().min(1).max(32).default(8),
    /** The most wavelets that a path goes through. */
    max_order: z.literal([1, 2]).default(2),
    /** Whether the picture has its padding already: it then is of the padded size, and `shape` that of its middle. */
    pre_pad: z.boolean().default(false),
    /** Channels of the picture, each of which is transformed by itself: 3, or 1 for pictures in grey. */
    in_channels: z.literal([1, 3]).default(3),
    /** What is done to the values behind each wavelet. kymatio's is the modulus. */
    non_linearity: z.enum(NON_LINEARITIES).default("modulus"),
    /** How values behind a wavelet become fewer. kymatio sub-samples. */
    pooling: z.enum(POOLINGS).default("subsample"),
    /** Classes of the linear head; 0 for none, where the answer is the coefficients. */
    num_classes: z.int().min(0).max(100_000).default(0),
  })
  .refine(
    ({ J, shape }) => 2 ** J <= Math.min(...shape),
    "the smaller side of shape must be at least 2^J pixels; a smaller J fits smaller pictures",
  )
  .refine(
    (config) => pathsOf(config) * outputSize(config).height * outputSize(config).width <= MOST_FEATURES,
    "these are too many coefficients; fewer angles (L) or max_order 1 give less",
  );

export type ScatteringConfig = z.infer<typeof scatteringSchema>;
