// What opens a video in a page: a file that a person has chosen, bytes, a file of the page's own, or what is at an address, of which only the parts that are
// needed are fetched. The browser decodes it.
import { bytesInMemory, describeValue, isUrl, readBytes } from "../../../byte-sources.ts";
import { LimitError, UsageError, VideoError } from "../../../errors.ts";
import { sniff } from "../../../image/sniff.ts";
import { type OpenVideoOptions, type Video, type VideoSource, videoLimits } from "../../../video/video.ts";
import { requireNotAborted } from "../../media/frame-requests.ts";
import { type MediaFile, openMediaVideo } from "../../media/media-video.ts";
import { addressOf, isAddress } from "../address.ts";
import type { WebFiles } from "../web-files.ts";

const SNIFFED_BYTES = 4096;
/** Of a video that is read into memory: a response, or a file of the page's own. */
const MAX_BYTES = 2 ** 31;

/**
 * @param files the page's own
 * @throws NotFoundError, NetworkError, LimitError, UsageError; VideoError
 */
export async function openVideo(files: WebFiles, source: VideoSource, options: OpenVideoOptions = {}): Promise<Video> {
  const { signal, frameRate: _, ...given } = options;
  const limits = videoLimits(given);
  if (!("VideoDecoder" in globalThis))
    throw new VideoError("videos cannot be decoded here: this browser gives the page no WebCodecs", {
      code: "video_decoder_missing",
      hint: "today's browsers have it on pages that come by https: or from localhost",
    });
  requireNotAborted(signal, "the video");
  return openMediaVideo(await fileOf(files, source), limits, signal);
}

async function fileOf(files: WebFiles, source: VideoSource): Promise<MediaFile> {
  if (typeof source === "string" && !isAddress(source))
    return bytesFile(await files.read(source, { maxBytes: MAX_BYTES }), source);
  if (typeof source === "string" || isUrl(source)) {
    const { href } = addressOf(source);
    return { name: href.slice(0, 200), source: ({ UrlSource }) => new UrlSource(href) };
  }
  const brand = Object.prototype.toString.call(source).slice(8, -1);
  if (brand === "Blob" || brand === "File") return blobFile(source as Blob);
  if (brand === "FileSystemFileHandle") return blobFile(await (source as unknown as FileSystemFileHandle).getFile());
  const bytes = bytesInMemory(source) ?? (await readBytes(source, "a video", MAX_BYTES));
  if (bytes === undefined)
    throw new UsageError(`a video is opened from a file, an address or bytes, got ${describeValue(source)}`);
  return bytesFile(bytes, "the video");
}

async function blobFile(blob: Blob): Promise<MediaFile> {
  const name = "name" in blob ? String(blob.name) : "the video";
  requireVideo(new Uint8Array(await blob.slice(0, SNIFFED_BYTES).arrayBuffer()), name);
  return { name, source: ({ BlobSource }) => new BlobSource(blob) };
}

function bytesFile(bytes: Uint8Array, name: string): MediaFile {
  if (bytes.length > MAX_BYTES) throw new LimitError(name, bytes.length, MAX_BYTES, "bytes");
  requireVideo(bytes, name);
  return { name, source: ({ BufferSource }) => new BufferSource(bytes) };
}

function requireVideo(bytes: Uint8Array, name: string): void {
  if (bytes.length === 0) throw new VideoError(`${name} is empty: 0 bytes`, { code: "video_empty" });
  const { picture, name: found } = sniff(bytes);
  if (picture === undefined && !/text|page|document|archive|sound|drawing|icon/.test(found)) return;
  throw new VideoError(`${name} is ${found}, not a video that a page can open`, {
    code: "not_a_video",
    hint: "MP4, MOV, WebM, Matroska and MPEG-TS are read",
    data: { found },
  });
}
