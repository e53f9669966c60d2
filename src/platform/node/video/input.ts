// How ffmpeg and ffprobe are told what to open: one regular file by its absolute path, as one of these containers and nothing else. No playlist, no
// list of files, no pattern of names and no device is among them, so that a file cannot make them open another or the network.

const CONTAINERS = [
  "mov,mp4,m4a,3gp,3g2,mj2",
  "matroska,webm",
  "avi",
  "mpegts",
  "mpeg",
  "flv",
  "ogg",
  "asf",
  "mxf",
  "nut",
  "ivf",
  "dv",
  "apng",
];

/** No single allocation of theirs is larger. */
export const MAX_ALLOCATION = 2 ** 30;

/** Before `-i`, for both programs. */
export function inputGuards(): string[] {
  return [
    "-hide_banner",
    ...["-max_alloc", String(MAX_ALLOCATION)],
    ...["-protocol_whitelist", "file"],
    ...["-format_whitelist", CONTAINERS.join(",")],
  ];
}

/** Before `-i` too: no frame has more pixels. They take no number above 2^31 - 1. */
export function pixelLimit(maxPixels: number): string[] {
  return ["-max_pixels", String(Math.min(Math.ceil(maxPixels), 2 ** 31 - 1))];
}

/** The name of a file as an argument. With its protocol in front, nothing in it has a meaning: no leading "-", no "concat:". */
export function inputFile(absolutePath: string): string {
  return `file:${absolutePath}`;
}
