// One check for videos of every kind that ffmpeg writes here: times are ffprobe's, pixels ffmpeg's, and any frame is the one that is read in order.
import { expect } from "vitest";
import { RandomSource } from "../../../random.ts";
import type { Video, VideoFacts } from "../../../video/video.ts";
import { openVideo } from "./open-video.ts";
import { decodedHashes, hashOf, makeVideo, moving, probedTimes } from "./video-files.test-helper.ts";

export interface VideoCase {
  readonly file: string;
  readonly make: (file: string) => string;
  readonly facts: Partial<VideoFacts>;
  /** Times, in seconds, of last frames that ffprobe has none for. */
  readonly untimed?: readonly number[];
  /** What ffmpeg is told for the same pixels. */
  readonly matrix: string;
  /** For the slow test. */
  readonly isRare?: true;
}

export const X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"];
const SOUND = ["-f", "lavfi", "-i", "sine=duration=2"];
/** Frames at 0, 1, 3, 6, 10, … units. */
const UNEVEN = ["-vf", "settb=1/100,setpts='N*(N+1)/2'", "-fps_mode", "passthrough", "-enc_time_base", "1/100"];

export const CASES: Readonly<Record<string, VideoCase>> = {
  "H.264 with B-frames and sound in MP4": {
    file: "b-frames.mp4",
    make: (file) => makeVideo(file, ...SOUND, ...moving("96x64", 3), ...X264, "-bf", "3", "-g", "24"),
    facts: { codec: "h264", container: "mov,mp4,m4a,3gp,3g2,mj2", hasAudio: true, announcedFrames: 75, frameRate: 25 },
    matrix: "bt601",
  },
  "H.264 with open groups in Matroska, tagged BT.709 and full range": {
    file: "open.mkv",
    make: (file) =>
      makeVideo(
        file,
        ...moving("96x64", 3),
        ...["-vf", "scale=out_color_matrix=bt709:out_range=full,format=yuvj420p"],
        ...["-c:v", "libx264", "-x264-params", "open-gop=1:keyint=20:bframes=3:b-pyramid=normal"],
        ...["-colorspace", "bt709", "-color_range", "pc"],
      ),
    facts: { codec: "h264", container: "matroska,webm", hasAudio: false },
    matrix: "bt709",
    isRare: true,
  },
  "HEVC of 10 bits in MOV": {
    file: "ten.mov",
    make: (file) =>
      makeVideo(
        file,
        ...moving("96x64", 2),
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=none:keyint=15",
        "-pix_fmt",
        "yuv420p10le",
        "-tag:v",
        "hvc1",
      ),
    facts: { codec: "hevc", bitDepth: 10 },
    matrix: "bt601",
  },
  "VP9 of an odd size in WebM": {
    file: "odd.webm",
    make: (file) =>
      makeVideo(
        file,
        ...moving("97x63", 2),
        "-c:v",
        "libvpx-vp9",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-g",
        "20",
        "-vf",
        "scale=97:63",
        "-auto-alt-ref",
        "1",
        "-lag-in-frames",
        "10",
      ),
    facts: { codec: "vp9", width: 97, height: 63 },
    matrix: "bt601",
  },
  "AV1 in MP4": {
    file: "av1.mp4",
    make: (file) =>
      makeVideo(file, ...moving("96x64", 2), "-c:v", "libsvtav1", "-preset", "10", "-g", "20", "-loglevel", "quiet"),
    facts: { codec: "av1" },
    matrix: "bt601",
    isRare: true,
  },
  "a variable rate": {
    file: "uneven.mp4",
    make: (file) => makeVideo(file, ...moving("96x64", 1, 40), ...UNEVEN, ...X264, "-g", "10"),
    facts: { codec: "h264" },
    matrix: "bt601",
  },
  "a picture stored on its side, cut out of a longer one": {
    file: "turned.mov",
    make: (file) => {
      const upright = makeVideo("upright.mp4", ...moving("96x64", 3), ...X264, "-g", "12");
      return makeVideo(file, "-ss", "1.3", "-i", upright, "-c", "copy", "-metadata:s:v:0", "rotate=90");
    },
    facts: { width: 64, height: 96, rotation: 270 },
    matrix: "bt601",
  },
  "H.264 in MPEG-TS, whose times do not begin at 0": {
    file: "broadcast.ts",
    make: (file) => makeVideo(file, ...moving("96x64", 3), ...X264, "-g", "12", "-bf", "2", "-f", "mpegts"),
    facts: { codec: "h264", container: "mpegts" },
    matrix: "bt601",
    isRare: true,
  },
  "MPEG-4 in AVI, where packets have no times": {
    file: "old.avi",
    make: (file) => makeVideo(file, ...moving("96x64", 2), "-c:v", "mpeg4", "-bf", "2", "-g", "12"),
    facts: { codec: "mpeg4", container: "avi" },
    matrix: "bt601",
    untimed: [2], // the decoder holds one frame back, whose packet is not the last
    isRare: true,
  },
  "high definition without a word about its matrix": {
    file: "high.mp4",
    make: (file) => makeVideo(file, ...moving("64x720", 0.4), ...X264),
    facts: { width: 64, height: 720 },
    matrix: "bt709",
    isRare: true,
  },
};

export async function checkCase({ file, make, facts, matrix, untimed = [] }: VideoCase): Promise<void> {
  const path = make(file);
  await using video = await openVideo(path);
  expect(video.facts).toMatchObject({ rotation: 0, bitDepth: 8, width: 96, height: 64, ...facts });
  const { hashes, seconds } = await readAll(video);
  expect(seconds).toEqual([...probedTimes(path), ...untimed]);
  expect([...(await video.timestamps())]).toEqual(seconds);
  const { width, height } = video.facts;
  expect(hashes).toEqual(decodedHashes(path, width, height, `scale=in_color_matrix=${matrix}`));

  const random = new RandomSource(1);
  const middle = Array.from({ length: 6 }, () => 1 + Math.floor(random.uniform() * (hashes.length - 2)));
  const chosen = [...new Set([0, ...middle, hashes.length - 1])].sort((a, b) => a - b);
  for (const indices of [chosen, [middle[0]!], [hashes.length - 1]]) {
    const found: [number, number, string][] = [];
    for await (const { image, index, seconds: time } of video.frames(indices))
      found.push([index, time, hashOf(image.data)]);
    expect(found).toEqual(indices.map((index) => [index, seconds[index], hashes[index]]));
  }
  const [from, to] = [Math.floor(hashes.length / 3), Math.floor(hashes.length / 2)];
  const part: string[] = [];
  for await (const { image } of video.read({ start: seconds[from]! - 1e-3, end: seconds[to]! }))
    part.push(hashOf(image.data));
  expect(part).toEqual(hashes.slice(from, to));
}

export async function readAll(video: Video): Promise<{ hashes: string[]; seconds: number[] }> {
  const hashes: string[] = [];
  const seconds: number[] = [];
  for await (const { image, seconds: time, index } of video.read()) {
    expect(index).toBe(hashes.length);
    hashes.push(hashOf(image.data));
    seconds.push(time);
  }
  return { hashes, seconds };
}
