// The sparse encoder of SparK: a convolutional network as it is, whose layers see the visible patches only (nn/visible.ts), and its maps at each
// size. From keyu-tian/SparK (MIT), pretrain/encoder.py, where every layer is exchanged for a sparse one; equal to its numbers (test/goldens/spark).
import { UsageError } from "../../../errors.ts";
import { mul } from "../../../graph/build.ts";
import { Scope } from "../../../graph/scope.ts";
import { Graph, type Tensor } from "../../../graph/tensor.ts";
import { asBackbone, backboneArchitectures, type NamedBackbone } from "../../../models/backbones.ts";
import { Mode } from "../../../nn/mode.ts";
import { overMap } from "../../../nn/visible.ts";

/** The finest map that is handed on: four pixels a cell. */
const FINEST = 4;

export interface SparseEncoder {
  readonly backbone: NamedBackbone;
  /** Side of a patch in pixels, which the network makes one cell of. */
  readonly patch: number;
  /** Of its last map. */
  readonly channels: number;
}

/** A picture in patches, each of which is seen or hidden whole. */
export interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * A model as an encoder of parts of pictures.
 *
 * @throws UsageError for a model that is not one of the convolutional families
 */
export function sparseEncoder(model: {
  readonly architecture: { readonly name: string };
  readonly config: unknown;
}): SparseEncoder {
  const backbone = asBackbone(model);
  if (backbone === undefined)
    throw new UsageError(
      `${model.architecture.name} cannot learn from hidden patches: that is for convolutional networks`,
      `architectures that can: ${backboneArchitectures().join(", ")}`,
    );
  const graph = new Graph();
  const image = graph.input("image", [1, 3, PROBE, PROBE]);
  const [, channels, rows] = backbone.featureMap(new Scope(graph), image, Mode.inference()).shape as number[];
  return { backbone, patch: PROBE / rows!, channels: channels! };
}

/** A side in pixels that every network here divides evenly. */
const PROBE = 512;

/** @throws UsageError for pictures that are not whole patches, or only one */
export function patchGrid({ patch }: SparseEncoder, { height, width }: { height: number; width: number }): PatchGrid {
  const [rows, columns] = [height / patch, width / patch];
  if (!Number.isInteger(rows) || !Number.isInteger(columns) || rows * columns < 2)
    throw new UsageError(
      `pictures of ${width} x ${height} pixels are not two or more patches of ${patch} x ${patch}, which the network makes one cell of`,
      `choose sides that are multiples of ${patch}`,
    );
  return { rows, columns };
}

/**
 * What the network makes of the visible patches: its maps (N, C, H / stride, W / stride), the smallest first and each of twice the side of the one before,
 * undefined where it has none of a size. They are zero at hidden places.
 *
 * @param image (N, 3, H, W); what is under hidden patches has no influence
 * @param visible (N, 1, rows, columns), 1 or 0
 */
export function visibleMaps(
  { backbone, patch }: SparseEncoder,
  scope: Scope,
  image: Tensor,
  visible: Tensor,
  mode: Mode,
): (Tensor | undefined)[] {
  const last = backbone.featureMap(scope.seeingOnly(visible), image, mode);
  const height = (x: Tensor) => x.shape[2] as number;
  const bySide = new Map([...stages(scope), last].map((map) => [height(map), map]));
  const sizes = Array.from({ length: Math.log2(patch / FINEST) + 1 }, (_, i) => height(last) * 2 ** i);
  return sizes.map((size) => {
    const map = bySide.get(size);
    return map && mul(map, overMap(visible, map));
  });
}

/** The maps after the stages of the network in a scope, in order: of several of one size the last counts. */
function stages({ graph, path }: Scope): Tensor[] {
  const prefix = path === "" ? "stage." : `${path}.stage.`;
  const named = [...graph.layers].filter(([name]) => name.startsWith(prefix));
  return named.map(([, value]) => (typeof value === "function" ? value() : value));
}
