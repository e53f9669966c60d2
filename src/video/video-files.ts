// What a video file is, by its name: one rule for folders that are classified and for data sets. What a file really holds its decoder finds out.
import { extensionOf, isHidden, isPictureName, type NamedEntry } from "../image/picture-files.ts";

const VIDEO_EXTENSIONS: ReadonlySet<string> = new Set([
  ...["mp4", "m4v", "mov", "qt", "webm", "mkv", "avi", "wmv", "asf", "flv", "f4v", "mpg", "mpeg", "mpe", "m2v", "m1v"],
  ...["ts", "mts", "m2ts", "vob", "ogv", "ogm", "3gp", "3g2", "mxf", "dv", "y4m", "ivf", "h264", "h265", "hevc"],
]);

/** Pictures that may move. */
const ANIMATION_EXTENSIONS: ReadonlySet<string> = new Set(["gif", "webp"]);

/** Whether a file's name promises a video and nothing else. */
export function isVideoName(path: string): boolean {
  return VIDEO_EXTENSIONS.has(extensionOf(path)) && !isHidden({ path });
}

/** Whether a file's name may be an animation's: a picture where pictures are wanted, a video where videos are. */
export function isAnimationName(path: string): boolean {
  return ANIMATION_EXTENSIONS.has(extensionOf(path)) && !isHidden({ path });
}

/** Whether what lies in a folder are the frames of one video: pictures that do not move, and neither videos nor animations. */
export function isFolderOfFrames(entries: readonly NamedEntry[]): boolean {
  const files = entries.filter((entry) => !entry.isDirectory && !isHidden(entry));
  return (
    files.some(({ path }) => isPictureName(path) && !isAnimationName(path)) &&
    !files.some(({ path }) => isVideoName(path) || isAnimationName(path))
  );
}
