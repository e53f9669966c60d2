// Sines of places: of the cells of a map, for keys, and of the numbers of a box, for queries. Reproduces impiga/Plain-DETR, models/position_encoding.py and
// models/transformer.py get_proposal_pos_embed.
import { add, concat, cos, div, expand, minimum, mul, reshape, sin, sub, values } from "../../graph/build.ts";
import { multiplyDims } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";

const TURN = 2 * Math.PI;
const TEMPERATURE = 10_000;

/** x (…) -> (…, features): sines and cosines of it in turns, of falling frequency. */
function waves(x: Tensor, features: number): Tensor {
  const periods = Array.from({ length: features / 2 }, (_, i) => TEMPERATURE ** ((2 * i) / features));
  const shape = [...x.shape, 1];
  const phase = div(reshape(mul(x, TURN), shape), values(x.graph, [...x.shape.map(() => 1), features / 2], periods));
  const pairs = concat([reshape(sin(phase), [...phase.shape, 1]), reshape(cos(phase), [...phase.shape, 1])], -1);
  return reshape(pairs, [...x.shape, features]);
}

/** boxes (N, Q, 4) -> (N, Q, 4 * features) */
export function boxWaves(boxes: Tensor, features: number): Tensor {
  const [n, queries] = boxes.shape;
  return reshape(waves(boxes, features), [n!, queries!, multiplyDims(4, features)]);
}

/**
 * (N or 1, h * w, 2 * features) of a map, row by row: first what says the row. `seen` (N or 1): the rows and columns of each picture that are no padding.
 *
 * @param shares whether places are shares of what is seen, or cells
 */
export function mapWaves(
  seen: { readonly rows: Tensor; readonly columns: Tensor },
  map: { readonly height: number; readonly width: number },
  features: number,
  shares: boolean,
): Tensor {
  const along = (count: Tensor, cells: number) => {
    const { graph } = count;
    const last = reshape(count, [count.shape[0]!, 1]);
    const numbers = values(
      graph,
      [1, cells],
      Array.from({ length: cells }, (_, i) => i + 1),
    );
    const places = sub(minimum(numbers, last), 0.5); // what is padding is where the last cell is
    return waves(shares ? div(places, add(last, 1e-6)) : places, features); // (N, cells, features)
  };
  const [down, across] = [along(seen.rows, map.height), along(seen.columns, map.width)];
  const n = down.shape[0]!;
  const whole = [n, map.height, map.width, features];
  const both = concat(
    [
      expand(reshape(down, [n, map.height, 1, features]), whole),
      expand(reshape(across, [n, 1, map.width, features]), whole),
    ],
    -1,
  );
  return reshape(both, [n, map.height * map.width, 2 * features]);
}
