// How near one picture is to another: the peak signal-to-noise ratio, in decibels. Twenty more is a tenth of the error.
import { UsageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";

/** Over all pixels and colours; Infinity for equal pictures. @throws UsageError for pictures of two sizes */
export function psnr(found: RawImage, truth: RawImage): number {
  if (found.width !== truth.width || found.height !== truth.height)
    throw new UsageError(
      `a picture of ${found.width} x ${found.height} is not compared with one of ${truth.width} x ${truth.height}`,
    );
  const squares = found.data.reduce((sum, value, i) => sum + (value - truth.data[i]!) ** 2, 0);
  return 10 * Math.log10((255 * 255 * found.data.length) / squares);
}
