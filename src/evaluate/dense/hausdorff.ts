// How far the outlines of two masks are apart: the 95th percentile of the Hausdorff distance, which medical segmentation reports beside Dice.
import { type Mask, maskPixels } from "../../boxes/masks.ts";

/**
 * The 95th percentile of the distances of each mask's outline to the other's, both ways together, in pixels; undefined where either mask is empty. Pixels of
 * an outline are those of the mask with a neighbour (left, right, above, below) outside it.
 *
 * @param spacing how wide and high a pixel is, for pictures whose pixels have a size, such as millimetres. Default 1 x 1
 */
export function hausdorff95(
  a: Mask,
  b: Mask,
  spacing: { readonly x: number; readonly y: number } = { x: 1, y: 1 },
): number | undefined {
  const outlines = [outline(a), outline(b)] as const;
  const size = { width: a.width, height: a.height };
  const far = [distances(outlines[1], size, spacing), distances(outlines[0], size, spacing)] as const;
  const all: number[] = [];
  outlines.forEach((own, side) => {
    own.forEach((isOn, at) => {
      if (isOn === 1) all.push(Math.sqrt(far[side]![at]!));
    });
  });
  if (all.length === 0 || all.some((value) => !Number.isFinite(value))) return undefined;
  return percentile(
    all.sort((x, y) => x - y),
    0.95,
  );
}

/** Between the two nearest values in proportion, as NumPy has it. */
function percentile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low]! + (at - low) * ((sorted[low + 1] ?? sorted[low]!) - sorted[low]!);
}

function outline(mask: Mask): Uint8Array {
  const { width, height } = mask;
  const pixels = maskPixels(mask);
  const isIn = (x: number, y: number) => x >= 0 && x < width && y >= 0 && y < height && pixels[y * width + x] === 1;
  return pixels.map((isSet, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    const isInner = isIn(x - 1, y) && isIn(x + 1, y) && isIn(x, y - 1) && isIn(x, y + 1);
    return isSet === 1 && !isInner ? 1 : 0;
  });
}

/** The squared distance of each pixel to the nearest that is set, exactly, one axis after the other (Felzenszwalb and Huttenlocher, 2012). */
function distances(
  pixels: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  spacing: { readonly x: number; readonly y: number },
): Float64Array {
  const values = Float64Array.from(pixels, (isSet) => (isSet === 1 ? 0 : Number.POSITIVE_INFINITY));
  const line = (start: number, step: number, count: number, unit: number) => {
    const own = Float64Array.from({ length: count }, (_, i) => values[start + i * step]!);
    lowerEnvelope(own, unit).forEach((value, i) => {
      values[start + i * step] = value;
    });
  };
  for (let x = 0; x < width; x++) line(x, width, height, spacing.y);
  for (let y = 0; y < height; y++) line(y * width, 1, width, spacing.x);
  return values;
}

/** At each place the least of values[j] + (unit (i - j))^2. */
function lowerEnvelope(values: Float64Array, unit: number): Float64Array {
  const count = values.length;
  const places: number[] = []; // whose parabolas make up the envelope, from the left
  const from: number[] = []; // where each begins
  for (let i = 0; i < count; i++) {
    if (values[i] === Number.POSITIVE_INFINITY) continue;
    for (;;) {
      const last = places.at(-1);
      if (last === undefined) {
        places.push(i);
        from.push(Number.NEGATIVE_INFINITY);
        break;
      }
      const crossing = ((values[i]! - values[last]!) / unit ** 2 + i ** 2 - last ** 2) / (2 * (i - last));
      if (crossing > from.at(-1)!) {
        places.push(i);
        from.push(crossing);
        break;
      }
      places.pop();
      from.pop();
    }
  }
  if (places.length === 0) return values;
  let at = 0;
  return Float64Array.from({ length: count }, (_, i) => {
    while (at + 1 < places.length && from[at + 1]! < i) at++;
    return values[places[at]!]! + (unit * (i - places[at]!)) ** 2;
  });
}
