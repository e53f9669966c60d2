// How far apart a scattering transform may bring pictures, told by its filters.
import { type Admissibility, admissibility, besselBound, layerBounds } from "./admissibility.ts";
import type { ScatteringConfig } from "./config.ts";
import type { Complex } from "./fft.ts";
import { filterBank, type StoredFilter } from "./filter-bank.ts";

/**
 * Of the transform's own filters, on pictures that have the padded size: reflecting a picture at its sides repeats some of it.
 *
 * @example
 * const { bound } = scatteringAdmissibility(config); // ||S f - S h|| <= bound ||f - h||
 */
export function scatteringAdmissibility(config: ScatteringConfig): Admissibility {
  const { J, max_order, non_linearity, pooling } = config;
  const { lowPasses, wavelets } = filterBank(config);
  // Signals that have been halved `resolution` times go on to the octaves from `first` on.
  const boundOf = (resolution: number, first: number) => {
    const atoms = wavelets.slice(first).flatMap((angles) => angles.map((filters) => filters[resolution]!));
    return besselBound([lowPasses[resolution]!, ...atoms].map(realFilters));
  };
  const octaves = Array.from({ length: J }, (_, j) => j);
  const layers = [boundOf(0, 0)];
  // With an average or the largest of several values, the smallest factor is 1 and takes nothing away.
  if (max_order === 2) layers.push(Math.max(...octaves.map((j) => boundOf(j, j + 1))));
  layers.push(Math.max(...octaves.map((j) => boundOf(j, J))));
  return admissibility(layers.map((bessel) => layerBounds(bessel, non_linearity, pooling, 1)));
}

/** The parts of a complex filter with a real spectrum, as one spectrum of the same energies: half of it is on the other side for each. */
function realFilters({ initializer, shape: [height, width] }: StoredFilter): Complex {
  if (initializer.kind !== "values") throw new TypeError("filters are known in advance");
  const { values } = initializer;
  const at = (row: number, column: number) => values[(row % height) * width + (column % width)]!;
  const even = new Float64Array(height * width);
  const odd = new Float64Array(height * width);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const [here, opposite] = [at(row, column), at(height - row, width - column)];
      even[row * width + column] = (here + opposite) / 2;
      odd[row * width + column] = (here - opposite) / 2;
    }
  return { re: even, im: odd };
}
