// Sheets as files: PNG for programs that show pictures, SVG and HTML where labels must stay text.
import { layOutSheet, paintPictures, paintSheet, type Sheet } from "../image/sheet.ts";
import type { Host } from "../platform/host.ts";
import { sheetHtml, sheetSvg, sheetTextSvg } from "./sheet-page.ts";

export type SheetFormat = "png" | "svg" | "html";

/** The bytes of a file. The text of a PNG is in the system's typefaces; where there are none, in our own. */
export async function encodeSheet(
  sheet: Sheet,
  format: SheetFormat,
  { encodePng, layTextOver }: Pick<Host, "encodePng" | "layTextOver">,
): Promise<Uint8Array> {
  if (format === "svg") return new TextEncoder().encode(await sheetSvg(sheet, encodePng));
  if (format === "html") return new TextEncoder().encode(await sheetHtml(sheet, encodePng));
  const pictures = paintPictures(layOutSheet(sheet));
  return encodePng((await layTextOver(pictures, sheetTextSvg(sheet))) ?? paintSheet(sheet));
}
