// Text in the browser's typefaces: an SVG laid over a picture. Only a document can draw one, and only where its rules (CSP) let it show blob: pictures.
import type { RawImage } from "../../image/raw-image.ts";
import { pixelsOf } from "./pixels-of.ts";
import { withAlpha } from "./png.ts";

/** An SVG with a transparent ground laid over a picture of its size; undefined where it cannot be drawn: then letters are the library's own. */
export async function layTextOver(image: RawImage, svg: string): Promise<RawImage | undefined> {
  if (typeof document === "undefined" || typeof OffscreenCanvas === "undefined") return undefined;
  const drawing = await loadSvg(svg);
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (drawing === undefined || context === null) return undefined;
  context.putImageData(new ImageData(withAlpha(image.data), width, height), 0, 0);
  context.drawImage(drawing, 0, 0, width, height);
  try {
    return pixelsOf(canvas, image);
  } catch {
    return undefined; // browsers that let no SVG be read back
  }
}

async function loadSvg(svg: string): Promise<HTMLImageElement | undefined> {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const drawing = new Image();
    drawing.src = url;
    await drawing.decode();
    return drawing;
  } catch {
    return undefined; // the page's rules forbid it
  } finally {
    URL.revokeObjectURL(url);
  }
}
