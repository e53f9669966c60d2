// What decodes videos on this machine.
import { VideoError } from "../../../errors.ts";
import { useMediaServer } from "./media-server.ts";
import { type Ffmpeg, findFfmpeg } from "./programs.ts";

const INSTALL =
  "install ffmpeg (Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg)";

/** ffmpeg, which alone opens live sources. @throws VideoError "video_decoder_missing" */
export async function requireDecoder(name: string): Promise<Ffmpeg> {
  const programs = await findFfmpeg();
  if (programs !== undefined) return programs;
  throw decoderMissing(name, INSTALL);
}

/** ffmpeg, or else the optional package. @throws VideoError "video_decoder_missing" */
export async function requireFileDecoder(name: string): Promise<Ffmpeg | "package"> {
  const programs = await findFfmpeg();
  if (programs !== undefined) return programs;
  if (await useMediaServer()) return "package";
  throw decoderMissing(name, DECODER_HINT);
}

function decoderMissing(name: string, install: string): VideoError {
  return new VideoError(`${name}: nothing here decodes videos: ffmpeg and ffprobe are not on the PATH, or do not run`, {
    code: "video_decoder_missing",
    hint: `${install}; folders of pictures, animated GIF and WebP need nothing`,
  });
}

/** What decodes video files here: "ffmpeg 5.1.9"; undefined where nothing does. */
export async function describeDecoder(): Promise<string | undefined> {
  const programs = await findFfmpeg();
  if (programs !== undefined) return `ffmpeg ${programs.version}`;
  return (await useMediaServer()) ? "the package @mediabunny/server (GPLv3)" : undefined;
}

/** What to install where nothing decodes them. */
export const DECODER_HINT = `${INSTALL}; or npm install @mediabunny/server, whose FFmpeg is under the GPLv3`;
