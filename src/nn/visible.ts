// Networks that see a part of each picture only, as pre-training by masking wants them (Tian et al., "Designing BERT for Convolutional Networks",
// ICLR 2023). A family needs no second form for it: what its layers may look at is said by their scope (Scope.seeingOnly), and whatever looks beyond
// one place, or at all places together, asks here. What a layer computes at hidden places never matters, because nobody looks there: for convolutions
// and pools they are zeros, for statistics and means they are not there. Where everything is seen, nothing here adds an op.
import { SaccadeError } from "../errors.ts";
import { div, expand, mul, reduceMean, reduceSum, reshape } from "../graph/build.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Which places of a map a layer may look at: (N, 1, H, W), 1 or 0, for x (N, C, H, W); undefined where it sees everything.
 *
 * @throws SaccadeError for a map that the patches do not divide evenly
 */
export function visiblePlaces(scope: Scope, x: Tensor): Tensor | undefined {
  const { visible } = scope;
  return visible && overMap(visible, x);
}

/** What is said of patches, (N, 1, rows, columns), for every place of a map x (N, C, H, W): (N, 1, H, W). */
export function overMap(patches: Tensor, x: Tensor): Tensor {
  const [batch, , rows, columns] = patches.shape as [number, number, number, number];
  const [, , height, width] = x.shape as [number, number, number, number];
  const [down, across] = [height / rows, width / columns];
  if (!Number.isInteger(down) || !Number.isInteger(across))
    throw new SaccadeError(
      "graph",
      `a map of ${height} x ${width} cells has no whole patches of ${rows} x ${columns}`,
      {
        hint: "choose a size that is a multiple of what the network makes one cell of",
      },
    );
  const apart = reshape(patches, [batch, 1, rows, 1, columns, 1]);
  return reshape(expand(apart, [batch, 1, rows, down, columns, across]), [batch, 1, height, width]);
}

/** x (N, C, H, W) as a layer sees it that looks at several places: zeros where they are hidden. */
export function seenPart(scope: Scope, x: Tensor): Tensor {
  const places = visiblePlaces(scope, x);
  return places === undefined ? x : mul(x, places);
}

/** The mean of x (N, C, H, W) over what is seen of each picture: (N, C, 1, 1). */
export function meanOverSeen(scope: Scope, x: Tensor): Tensor {
  const places = visiblePlaces(scope, x);
  if (places === undefined) return reduceMean(x, [2, 3], { keepDims: true });
  const sum = reduceSum(mul(x, places), [2, 3], { keepDims: true });
  return div(sum, reduceSum(places, [2, 3], { keepDims: true }));
}
