// Video files that Debian's ffmpeg writes for tests, of a moving test picture; and what ffmpeg itself makes of files.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether tests that need ffmpeg can run. */
export const hasFfmpeg =
  spawnSync("ffmpeg", ["-version"]).status === 0 && spawnSync("ffprobe", ["-version"]).status === 0;
if (!hasFfmpeg) console.log("skipped: what ffmpeg decodes, because it is not on the PATH");

export const VIDEO_FOLDER = mkdtempSync(join(tmpdir(), "saccade-video-test-"));
export const removeVideoFolder = () => rmSync(VIDEO_FOLDER, { recursive: true, force: true });

/** Runs ffmpeg; returns the path of the file it wrote. */
export function makeVideo(name: string, ...args: string[]): string {
  const path = join(VIDEO_FOLDER, name);
  execFileSync("ffmpeg", ["-v", "error", "-nostdin", "-y", ...args, path]);
  return path;
}

/** A moving picture with sharp edges and a counter, as an input. */
export function moving(size: string, seconds: number, rate = 25): string[] {
  return ["-f", "lavfi", "-i", `testsrc2=s=${size}:r=${rate}:d=${seconds}`];
}

/** The times of all frames that have one, as ffprobe decodes them, in seconds. */
export function probedTimes(path: string): number[] {
  const text = execFileSync("ffprobe", [
    ...["-v", "error", "-select_streams", "V:0", "-show_entries", "frame=best_effort_timestamp:stream=time_base"],
    ...["-of", "json", path],
  ]).toString();
  const { frames, streams } = JSON.parse(text) as {
    frames: { best_effort_timestamp?: number }[];
    streams: { time_base: string }[];
  };
  const [num, den] = streams[0]!.time_base.split("/").map(Number);
  return frames
    .flatMap(({ best_effort_timestamp: time }) => (time === undefined ? [] : [(time * num!) / den!]))
    .sort((a, b) => a - b);
}

/** What ffmpeg makes of all frames by itself, as hashes. @param filters such as "scale=in_color_matrix=bt601" */
export function decodedHashes(path: string, width: number, height: number, filters: string): string[] {
  const bytes = execFileSync(
    "ffmpeg",
    [
      "-v",
      "error",
      "-i",
      path,
      "-map",
      "0:V:0",
      "-vf",
      filters,
      "-fps_mode",
      "passthrough",
      "-pix_fmt",
      "rgb24",
      "-f",
      "rawvideo",
      "-",
    ],
    { maxBuffer: 2 ** 30 },
  );
  const size = width * height * 3;
  return Array.from({ length: bytes.length / size }, (_, i) => hashOf(bytes.subarray(i * size, (i + 1) * size)));
}

export const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
