// How ffmpeg is told of a live source: a camera by the system's own interface, an address that the user named, or this process's standard input. Each
// may use the protocols it needs and no others; files are never among them, so that nobody at the other end can have one opened here.
import { UsageError } from "../../../errors.ts";
import type { LiveOptions, LiveSource } from "../../../video/video.ts";

export interface LiveInput {
  /** What to call it in messages; without a password. */
  readonly name: string;
  readonly args: readonly string[];
  readonly readsStdin: boolean;
}

/** By the beginning of an address. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  "rtsp:": "rtsp,rtp,srtp,udp,tcp,tls",
  "rtsps:": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
  "rtmp:": "rtmp,tcp",
  "rtmps:": "rtmps,rtmp,tcp,tls",
  "http:": "http,https,httpproxy,tcp,tls,crypto",
  "https:": "http,https,httpproxy,tcp,tls,crypto",
  "udp:": "udp",
  "rtp:": "rtp,udp",
  "tcp:": "tcp",
  "srt:": "srt",
};

/** Forms that can be read as they come. */
const PIPED =
  "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,nut,ivf,h264,hevc,obu,mjpeg,mpjpeg,yuv4mpegpipe,dv,asf";

/** How much is read to find out what comes: less than for a file, because nobody waits for the past. */
const SHORT_LOOK = ["-fflags", "nobuffer", "-analyzeduration", "1000000"];

/** @throws UsageError for what cannot be opened */
export function liveInput(
  source: LiveSource,
  { frameRate }: LiveOptions,
  platform: string = process.platform,
): LiveInput {
  switch (source.kind) {
    case "camera": {
      const rate = frameRate === undefined ? [] : ["-framerate", String(requireRate(frameRate))];
      const [format, device] = cameraOf(platform, source.device);
      return {
        name: `the camera ${device.replace(/^video=/, "")}`,
        args: ["-f", format, ...rate, "-i", device],
        readsStdin: false,
      };
    }
    case "stdin":
      return {
        name: "standard input",
        args: ["-protocol_whitelist", "pipe", "-format_whitelist", PIPED, ...SHORT_LOOK, "-i", "pipe:0"],
        readsStdin: true,
      };
    case "address": {
      const { url, protocols } = addressOf(source.url);
      const overTcp = url.protocol.startsWith("rtsp") ? ["-rtsp_flags", "prefer_tcp"] : [];
      return {
        name: withoutSecrets(url),
        args: ["-protocol_whitelist", protocols, ...overTcp, ...SHORT_LOOK, "-i", url.href],
        readsStdin: false,
      };
    }
  }
}

function cameraOf(platform: string, device: string | undefined): readonly [format: string, device: string] {
  if (platform === "linux") {
    const path = device === undefined ? "/dev/video0" : /^\d+$/.test(device) ? `/dev/video${device}` : device;
    if (!/^\/dev\/[\w./-]+$/.test(path) || path.includes(".."))
      throw new UsageError(`${path} is no camera`, "cameras are /dev/video0, /dev/video1, …; or their number alone");
    return ["v4l2", path];
  }
  if (platform === "darwin") return ["avfoundation", requireDeviceName(device ?? "0")];
  if (platform !== "win32") throw new UsageError(`cameras cannot be opened on ${platform}`);
  if (device === undefined)
    throw new UsageError("which camera?", "name it; `ffmpeg -list_devices true -f dshow -i dummy` lists what there is");
  return ["dshow", `video=${requireDeviceName(device)}`];
}

/** In ffmpeg's names of devices a colon begins a second one, of sound. */
function requireDeviceName(device: string): string {
  const isPlain = device !== "" && !device.startsWith("-") && [...device].every((one) => one >= " " && one !== ":");
  if (!isPlain) throw new UsageError(`${JSON.stringify(device)} is no name of a camera`);
  return device;
}

function requireRate(frameRate: number): number {
  if (!(frameRate > 0 && frameRate <= 1000)) throw new UsageError(`a camera with ${frameRate} frames a second`);
  return frameRate;
}

function addressOf(address: string): { readonly url: URL; readonly protocols: string } {
  const known = `addresses begin with ${Object.keys(PROTOCOLS)
    .map((protocol) => `${protocol}//`)
    .join(", ")}`;
  if (!URL.canParse(address)) throw new UsageError("this is no address of a video", known);
  const url = new URL(address);
  const protocols = PROTOCOLS[url.protocol];
  if (protocols === undefined) throw new UsageError(`addresses with ${url.protocol} are not opened`, known);
  return { url, protocols };
}

/** An address for messages. */
function withoutSecrets(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.search = "";
  shown.hash = "";
  return shown.href.slice(0, 200);
}
