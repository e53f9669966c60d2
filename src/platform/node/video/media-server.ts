// The optional package @mediabunny/server, for machines without ffmpeg on the PATH: it puts FFmpeg's decoders into this process, in the place of a browser's.
// Its FFmpeg is GPLv3: whoever installs it takes that licence into the program. Cameras and addresses are not opened through it.
import type { MediaFile } from "../../media/media-video.ts";

interface MediaServer {
  registerMediabunnyServer(options: { hardwareContext: null }): void;
}

/** Looked up when it is run and not when a program is bundled, because it may not be there. */
const PACKAGE = "@mediabunny/server";
let loading: Promise<boolean> | undefined;

/** Whether it is installed; it decodes from then on. */
export function useMediaServer(): Promise<boolean> {
  loading ??= import(PACKAGE).then(
    ({ registerMediabunnyServer }: MediaServer) => {
      // Without a graphics card: looking for one takes time, and prints on standard error what it does not find.
      registerMediabunnyServer({ hardwareContext: null });
      return true;
    },
    () => false,
  );
  return loading;
}

/** A file on the disk, for the same decoders. */
export const mediaFile = (path: string, name: string): MediaFile => ({
  name,
  source: async () => new (await import("mediabunny")).FilePathSource(path),
});
