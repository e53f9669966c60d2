// What `--stream` is to follow: a camera, an address, standard input or a file.
import { UsageError } from "../errors.ts";
import type { VideoHost } from "../platform/host.ts";
import { pacedFrames } from "../video/paced-frames.ts";
import type { LiveFrames, LiveSource } from "../video/video.ts";

/** "camera", "camera:1", "camera:/dev/video1", "rtsp://…", "-"; undefined for the path of a file. */
export function liveSource(text: string): LiveSource | undefined {
  if (text === "-") return { kind: "stdin" };
  if (text === "camera") return { kind: "camera" };
  if (text.startsWith("camera:")) return { kind: "camera", device: text.slice("camera:".length) };
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^file:/i.test(text) ? { kind: "address", url: text } : undefined;
}

/** The one source that is to be followed. Throws UsageError for none, several, and for what only files have. */
export function streamSourceOf(
  paths: readonly string[],
  { fromFile }: { readonly fromFile?: string | undefined },
): string {
  if (paths.length === 1 && fromFile === undefined) return paths[0]!;
  throw new UsageError(
    "--stream follows one source",
    "camera, camera:1, rtsp://…, - for standard input, or a video file",
  );
}

/** Frames of live sources are scaled down to this by the decoder: no model that names what is in a moving picture sees more. */
const LONGER_SIDE = 1024;

export interface SourceOptions {
  readonly realtime?: boolean;
  /** Frames of live sources are no larger, pixels. Default 1024. */
  readonly longerSide?: number;
  readonly signal: AbortSignal;
}

/** @throws UsageError, NotFoundError, NetworkError, LimitError, VideoError */
export async function openSource(
  host: VideoHost,
  text: string,
  { realtime, longerSide = LONGER_SIDE, signal }: SourceOptions,
): Promise<LiveFrames> {
  const live = liveSource(text);
  if (live === undefined) {
    const source = /^file:/i.test(text) ? new URL(text) : text;
    return pacedFrames(await host.openVideo(source, { signal }), { realtime: realtime === true, signal });
  }
  if (realtime === true)
    throw new UsageError("--realtime is for video files: what is live comes at its own rate", "leave it out");
  return host.openLive(live, { signal, longerSide });
}
