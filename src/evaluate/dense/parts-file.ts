// Drawings of things and segments as files: names in the system's typefaces; where there are none, in our own.
import { type PartDrawing, paintTags, type Tag, tagInk } from "../../boxes/draw.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { Host } from "../../platform/host.ts";
import { html } from "../report/html.ts";
import { lengthOf, rgb, TYPEFACES } from "../sheet-page.ts";

/** The drawing with its names, as pixels. */
export async function finishDrawing(
  drawing: PartDrawing,
  { layTextOver }: Pick<Host, "layTextOver">,
): Promise<RawImage> {
  if (drawing.tags.length === 0) return drawing.image;
  return (await layTextOver(drawing.image, tagsSvg(drawing))) ?? paintTags(drawing);
}

/** Of a plate's height: the size of letters, the margin beside them, and their base line. */
const LETTERS = 0.72;
const MARGIN = 0.25;
const BASE_LINE = 0.74;

function tagsSvg({ image: { width, height }, tags, lineHeight }: PartDrawing): string {
  const plate = ({ text, color, x, y }: Tag) => {
    const size = LETTERS * lineHeight;
    const length = lengthOf(text) * size;
    const whole = length + 2 * MARGIN * lineHeight;
    const left = Math.max(0, Math.min(x, width - whole));
    return html`<rect x="${left}" y="${y}" width="${whole}" height="${lineHeight}" rx="${lineHeight / 8}" fill="${rgb(color)}"/><text x="${left + MARGIN * lineHeight}" y="${y + BASE_LINE * lineHeight}" font-size="${size}" fill="${rgb(tagInk(color))}">${text}</text>
`;
  };
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${TYPEFACES}">
${tags.map(plate)}
</svg>
`.text;
}
