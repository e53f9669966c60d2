// Features computed only where they are sampled: around each point, the 15 x 15 pixels that its four cells see go through the same convolution,
// pooling and normalisation. These are the values of the stem's map, borders included, without the map: time and memory do not depend on the
// size of the picture. From which size on this is cheaper, `sampledFrom` says.
import {
  add,
  cast,
  conv,
  equal,
  expand,
  iota,
  maximum,
  maxPool,
  minimum,
  mul,
  relu,
  reshape,
  sizeValue,
  slice,
  sub,
  transpose,
  values,
} from "../../graph/build.ts";
import { addDims, type Dim, floorDivideDim, multiplyDims } from "../../graph/dimensions.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import type { Pixels } from "../pixels.ts";
import type { SparseformerConfig } from "./config.ts";
import { cornersAround, floatColumn, wholePlaces } from "./corners.ts";
import type { Features } from "./features.ts";
import { type PatchReader, pixelReader, planeReader, SIDE } from "./patch-readers.ts";
import { channelNorm, type StemWeights } from "./stem.ts";
import { weighted } from "./table-features.ts";

/** Cell i pools outputs 2 i - 1 to 2 i + 1, and output j sees pixels 2 j - 3 to 2 j + 3: from 5 pixels before 4 i on, two cells see 15. */
const BEFORE = 5;
/** Outputs of the convolution on a patch, along each axis; output k's middle pixel is 3 + 2 k. */
const OUTPUTS = 5;

/** picture: float32 (batch, 3, H, W), normalised, or pixels; at least 8 x 8 of them. */
export function sparseFeatures(picture: Tensor | Pixels, weights: StemWeights, config: SparseformerConfig): Features {
  const { graph } = weights.weight;
  const reader = "bytes" in picture ? pixelReader(picture, weights) : planeReader(picture, weights);
  const { batch, height, width } = reader;
  const channels = config.conv_dim;
  const extent = floatColumn(graph, [quarterOf(width), quarterOf(height)]); // of the map that is never made
  const place = patchPlaces(reader, graph);
  const penalty = values(graph, [channels, 1, 1, 1], new Float32Array(channels).fill(PENALTY));
  const padding = config.compatible_config.grid_sample_config.padding_mode;
  return {
    graph,
    batch,
    sample(points) {
      const [, tokens, , count] = points.shape as [Dim, number, 2, number];
      const quads = tokens * count;
      const corners = cornersAround(points, extent, padding);
      const { at, rows, columns, beyond } = place(corners.first);
      const patches = reader.pad(reader.read(at), rows, columns);
      const convolved = reader.convolve(patches); // (batch * quads, C, 5, 5)
      const all = reshape(expand(beyond, [batch, quads, OUTPUTS, OUTPUTS]), [
        multiplyDims(batch, quads),
        1,
        OUTPUTS,
        OUTPUTS,
      ]);
      // Written after the other convolution, of which engines then make the start of this one's sums.
      const kept = relu(add(convolved, conv(all, penalty, undefined)));
      const pooled = maxPool(kept, [3, 3], { strides: [2, 2] }); // (batch * quads, C, 2, 2)
      const cells = reshape(transpose(pooled, [0, 2, 3, 1]), [batch, quads, 4, channels]);
      return reshape(weighted(corners, channelNorm(cells, config)), [batch, tokens, count, channels]);
    },
  };
}

/** Pooling passes over outputs beyond the map. Before ReLU this makes them nothing, which no maximum over ReLUs minds. */
const PENALTY = -1e30;

/** Size of the map: (size - 1) / 2 + 1, rounded down, twice. */
function quarterOf(size: Dim): Dim {
  const half = (d: Dim) => addDims(floorDivideDim(addDims(d, -1), 2), 1);
  return half(half(size));
}

interface Places {
  /** Runs of the table, int64 (batch or n, quads, 15, runs). */
  readonly at: Tensor;
  /** 1 for rows of a patch that lie on the picture, 0 for others: (n, quads, 15). */
  readonly rows: Tensor;
  /** The same for the values of a row: (n, quads, 15 or 45). */
  readonly columns: Tensor;
  /** 1 for outputs of the convolution that the picture does not have: (n, quads, 5, 5). */
  readonly beyond: Tensor;
}

/** From first cells (n, tokens, 2 axes, P) to where their patches are. */
function patchPlaces(reader: PatchReader, graph: Graph): (first: Tensor) => Places {
  const { batch, height, width, runs, interleaved } = reader;
  const rowOffsets = Array.from({ length: SIDE }, (_, i) => i - BEFORE);
  const columnOffsets = rowOffsets.flatMap((offset) => new Array<number>(interleaved).fill(offset));
  const perRow = sizeValue(graph, runs.perRow);
  const perPicture = sizeValue(graph, multiplyDims(reader.planes, height, runs.perRow));
  const starts = reshape(mul(iota(graph, batch, "int64"), perPicture), [batch, 1, 1, 1]);
  return (first) => {
    const [n, tokens, , count] = first.shape as [Dim, number, 2, number];
    const quads = tokens * count;
    const axis = (i: number) => reshape(slice(first, 2, i, i + 1), [n, quads, 1]);
    const rows = along(mul(axis(1), 4), rowOffsets, height);
    const columns = along(mul(axis(0), 4), columnOffsets, width).inside;
    const runsAt = along(mul(axis(0), 4 / runs.length), runs.offsets, runs.perRow);
    const row = reshape(mul(wholePlaces(rows.kept), perRow), [n, quads, SIDE, 1]);
    const inPicture = add(row, reshape(wholePlaces(runsAt.kept), [n, quads, 1, runs.offsets.length]));
    const middle = (inside: Tensor, step: number) => slice(inside, 2, 3 * step, 12 * step, 2 * step); // (n, quads, 5)
    const middles = mul(
      reshape(middle(rows.inside, 1), [n, quads, OUTPUTS, 1]),
      reshape(middle(columns, interleaved), [n, quads, 1, OUTPUTS]),
    );
    return {
      at: batch === 1 ? inPicture : add(inPicture, starts),
      rows: rows.inside,
      columns,
      beyond: sub(1, middles),
    };
  };
}

/** Positions from (n, quads, 1) on, in a row of `size`: kept inside of it, and 1 for those that were, else 0. (n, quads, offsets) each. */
function along(from: Tensor, offsets: readonly number[], size: Dim): { kept: Tensor; inside: Tensor } {
  const { graph } = from;
  const positions = add(from, values(graph, [offsets.length], offsets));
  const kept = maximum(minimum(positions, sub(cast(sizeValue(graph, size), "float32"), 1)), 0);
  return { kept, inside: cast(equal(positions, kept), "float32") };
}
