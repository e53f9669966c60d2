// What a model sees of a picture file: decoded, with the detail left out that it will not see where that may be, and brought to its size.
import type { RawImage } from "../../image/raw-image.ts";
import type { Transform } from "../../image/transform.ts";
import { mostShrinking, type ViewOptions, viewsOfRendition } from "../../image/view.ts";
import { decodeRendition } from "./decode.ts";

/** All in this thread, but what sharp does in its own. Throws ImageError and LimitError. */
export async function decodeView(bytes: Uint8Array, transform: Transform, options: ViewOptions): Promise<RawImage> {
  const { views = "center" } = options;
  const shrinking = options.decode === "fast" ? mostShrinking : () => 1;
  const rendition = await decodeRendition(bytes, options, (size) => shrinking(transform, views, size));
  return viewsOfRendition(rendition, transform, views);
}
