// By which matrix YUV becomes RGB: the file's own word where it says one; where it says nothing, BT.709 for pictures of at least 720 lines and
// BT.601 below, as players do. The range is what the file says, limited where it says nothing. Brightness is not mapped: HDR stays as it is stored.

/** A matrix as ffmpeg's scale filter names it. */
export type YuvMatrix = "bt601" | "bt709" | "bt2020" | "fcc" | "smpte240m";

const BY_TAG: Readonly<Record<string, YuvMatrix>> = {
  bt709: "bt709",
  bt470bg: "bt601",
  smpte170m: "bt601",
  fcc: "fcc",
  smpte240m: "smpte240m",
  bt2020nc: "bt2020",
  bt2020c: "bt2020",
  "bt2020-ncl": "bt2020",
};

const HIGH_DEFINITION_LINES = 720;

/**
 * The matrix of a stream; undefined where its pixels are no YUV.
 *
 * @param tag as ffprobe (color_space) or WebCodecs (matrix) writes it
 * @param height as stored, in pixels
 */
export function yuvMatrix(pixelFormat: string, tag: string | undefined, height: number): YuvMatrix | undefined {
  if (
    tag === "gbr" ||
    tag === "rgb" ||
    /^(gbr|rgb|bgr|argb|abgr|0rgb|0bgr|x2rgb|x2bgr|pal8|gray|mono)/.test(pixelFormat)
  )
    return undefined;
  return BY_TAG[tag ?? ""] ?? (height >= HIGH_DEFINITION_LINES ? "bt709" : "bt601");
}
