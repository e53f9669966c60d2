// What decodes videos on this machine.
import { VideoError } from "../../../errors.ts";
import { type Ffmpeg, findFfmpeg } from "./programs.ts";

const INSTALL =
  "install ffmpeg (Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg)";

/** @throws VideoError "video_decoder_missing" */
export async function requireDecoder(name: string): Promise<Ffmpeg> {
  const programs = await findFfmpeg();
  if (programs !== undefined) return programs;
  throw new VideoError(`${name}: nothing here decodes videos: ffmpeg and ffprobe are not on the PATH`, {
    code: "video_decoder_missing",
    hint: `${INSTALL}; folders of pictures, animated GIF and WebP need nothing`,
  });
}

/** What decodes video files here: "ffmpeg 5.1.9"; undefined where nothing does. */
export async function describeDecoder(): Promise<string | undefined> {
  const programs = await findFfmpeg();
  return programs === undefined ? undefined : `ffmpeg ${programs.version}`;
}

/** What to install where nothing decodes them. */
export const DECODER_HINT = INSTALL;
