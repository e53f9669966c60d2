// The filters of a scattering transform, under the names that kymatio's buffers have: tensor0, tensor1, …, low-passes first (kymatio/kymatio,
// kymatio/scattering2d/frontend/torch_frontend.py).
import type { Initializer } from "../../graph/initializers.ts";
import { type Grid, paddedSize, type Transform } from "./geometry.ts";
import { atResolution, lowPassSpectrum, morletSpectrum, type RealSpectrum } from "./morlet.ts";

export interface StoredFilter {
  readonly name: string;
  readonly shape: readonly [height: number, width: number, 1];
  readonly initializer: Initializer;
}

export interface FilterBank {
  /** By how often the signal has been halved. */
  readonly lowPasses: readonly StoredFilter[];
  /** By octave, angle, and how often the signal has been halved. */
  readonly wavelets: readonly (readonly (readonly StoredFilter[])[])[];
}

export function filterBank(config: Transform & { readonly L: number }): FilterBank {
  const { J, L } = config;
  const grid = paddedSize(config);
  let next = 0;
  const resolutions = (count: number, spectrum: () => RealSpectrum) =>
    counted(count).map((resolution) => storedFilter(`tensor${next++}`, grid, resolution, spectrum));
  const lowPasses = resolutions(
    J,
    once(() => lowPassSpectrum(grid, J)),
  );
  const wavelets = counted(J).map((j) =>
    counted(L).map((theta) =>
      resolutions(
        Math.min(j + 1, Math.max(J - 1, 1)),
        once(() => morletSpectrum(grid, j, theta, L)),
      ),
    ),
  );
  return { lowPasses, wavelets };
}

/** Filters of large pictures take a moment, and nobody needs them where weights come from a file: they are computed when they are asked for. */
function storedFilter(name: string, grid: Grid, resolution: number, spectrum: () => RealSpectrum): StoredFilter {
  const values = once(() => atResolution(spectrum(), grid, resolution));
  return {
    name,
    shape: [grid.height / 2 ** resolution, grid.width / 2 ** resolution, 1],
    initializer: {
      kind: "values",
      get values() {
        return values();
      },
    },
  };
}

const counted = (count: number) => Array.from({ length: count }, (_, i) => i);

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
