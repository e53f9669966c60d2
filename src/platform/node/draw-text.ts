// Text in the system's typefaces, drawn by sharp (librsvg). Servers often have none; then letters are missing or come out as boxes.
import type { RawImage } from "../../image/raw-image.ts";
import { loadSharp } from "./decode.ts";

/** An SVG with a transparent ground laid over a picture of its size; undefined where there is no typeface to draw its text with. */
export async function layTextOver(image: RawImage, svg: string): Promise<RawImage | undefined> {
  if (!(await hasTypeface())) return undefined;
  const sharp = await loadSharp();
  const { width, height, data } = image;
  const drawn = await sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { width, height, data: new Uint8Array(drawn.buffer, drawn.byteOffset, drawn.byteLength) };
}

let checking: Promise<boolean> | undefined;

/** Without one, letters leave no ink, or a box for each, all of them alike. */
function hasTypeface(): Promise<boolean> {
  checking ??= Promise.all([inkOf("iiii"), inkOf("WWWW")]).then(
    ([narrow, wide]) => narrow > 0 && wide > 1.5 * narrow,
    () => false,
  );
  return checking;
}

/** Width of the ink in pixels. */
async function inkOf(text: string): Promise<number> {
  const sharp = await loadSharp();
  const [width, height] = [160, 40];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><text x="4" y="30" font-size="30" font-family="sans-serif" fill="#fff">${text}</text></svg>`;
  const grey = await sharp(Buffer.from(svg)).flatten({ background: "#000" }).greyscale().raw().toBuffer();
  const columns = Array.from({ length: width }, (_, x) => x).filter((x) =>
    Array.from({ length: height }, (_, y) => grey[y * width + x]!).some((value) => value > 64),
  );
  return columns.length;
}
