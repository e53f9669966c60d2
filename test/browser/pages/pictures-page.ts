// Pictures of every kind that a page has, as pixels.
import { type DecodeOptions, decodeImage, encodePng, type PictureSource, type RawImage } from "../../../src/web.ts";
import { expose, fetchBytes } from "./expose.ts";

/** Pixels as text, because only JSON leaves the page. */
export interface PlainPicture {
  readonly width: number;
  readonly height: number;
  readonly base64: string;
}

/** How a picture file becomes what a page has. */
const KINDS = {
  Blob: async (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]),
  File: async (bytes: Uint8Array<ArrayBuffer>) => new File([bytes], "photo", { type: "image/x-wrong" }),
  bytes: async (bytes: Uint8Array<ArrayBuffer>) => bytes,
  ArrayBuffer: async (bytes: Uint8Array<ArrayBuffer>) => bytes.buffer,
  "shared memory": async (bytes: Uint8Array<ArrayBuffer>) => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    return shared;
  },
  Response: async (bytes: Uint8Array<ArrayBuffer>) => new Response(bytes),
  "data: URL": async (bytes: Uint8Array<ArrayBuffer>) => `data:;base64,${base64(bytes)}`,
  "file handle": async (bytes: Uint8Array<ArrayBuffer>) => {
    const root = await navigator.storage.getDirectory();
    const handle = await root.getFileHandle("picture", { create: true });
    const writable = await handle.createWritable();
    await writable.write(bytes);
    await writable.close();
    return handle;
  },
  ImageBitmap: bitmapOf,
  img: imageOf,
  canvas: async (bytes: Uint8Array<ArrayBuffer>) => drawnOn(document.createElement("canvas"), bytes),
  OffscreenCanvas: async (bytes: Uint8Array<ArrayBuffer>) => drawnOn(new OffscreenCanvas(1, 1), bytes),
  ImageData: async (bytes: Uint8Array<ArrayBuffer>) => {
    const canvas = await drawnOn(new OffscreenCanvas(1, 1), bytes);
    return canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
  },
  VideoFrame: async (bytes: Uint8Array<ArrayBuffer>) => new VideoFrame(await bitmapOf(bytes), { timestamp: 0 }),
} satisfies Record<string, (bytes: Uint8Array<ArrayBuffer>) => Promise<PictureSource>>;

export type Kind = keyof typeof KINDS;

const api = {
  kinds: () => Object.keys(KINDS) as Kind[],
  async decode(path: string, kind: Kind, options?: DecodeOptions): Promise<PlainPicture> {
    return plain(await decodeImage(await KINDS[kind](await fetchBytes(path)), options));
  },
  /** By an address that is relative to the page, and a whole one. */
  async fetched(path: string): Promise<[PlainPicture, PlainPicture]> {
    return [plain(await decodeImage(path)), plain(await decodeImage(new URL(path, location.href)))];
  },
  /** A film of one colour, shown by a video element. */
  async filmed(color: string): Promise<PlainPicture> {
    const video = document.createElement("video");
    video.muted = true;
    video.src = URL.createObjectURL(await film(color));
    await new Promise((resolve, reject) => {
      video.onloadeddata = resolve;
      video.onerror = () => reject(new Error(video.error?.message));
    });
    return plain(await decodeImage(video));
  },
  /** What `encodePng` makes of pixels, decoded again. */
  async encoded(path: string): Promise<PlainPicture> {
    return plain(await decodeImage(await encodePng(await decodeImage(path))));
  },
  /** What is no picture, by a name. */
  async refused(
    what: "video" | "img" | "closed bitmap" | "empty canvas" | "object" | "address" | "blob: URL",
  ): Promise<void> {
    const sources: Record<typeof what, () => Promise<unknown>> = {
      video: async () => document.createElement("video"),
      img: async () => {
        const image = new Image();
        image.src = "/missing.png";
        return image;
      },
      "closed bitmap": async () => {
        const bitmap = await createImageBitmap(new ImageData(2, 2));
        bitmap.close();
        return bitmap;
      },
      "empty canvas": async () => new OffscreenCanvas(0, 4),
      object: async () => ({ picture: 1 }),
      address: async () => "ftp://example.org/a.jpg",
      "blob: URL": async () => URL.createObjectURL(new Blob(["gone"])),
    };
    await decodeImage((await sources[what]()) as PictureSource);
  },
};

export type PicturesApi = typeof api;

function bitmapOf(bytes: Uint8Array<ArrayBuffer>): Promise<ImageBitmap> {
  return createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}

async function imageOf(bytes: Uint8Array<ArrayBuffer>): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([bytes]));
  return image;
}

async function drawnOn<C extends HTMLCanvasElement | OffscreenCanvas>(
  canvas: C,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<C> {
  const bitmap = await bitmapOf(bytes);
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  (canvas.getContext("2d") as CanvasRenderingContext2D).drawImage(bitmap, 0, 0);
  return canvas;
}

async function film(color: string): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = 64;
  canvas.height = 48;
  const context = canvas.getContext("2d")!;
  context.fillStyle = color;
  context.fillRect(0, 0, 64, 48);
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: "video/webm" });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  for (let frame = 0; frame < 10; frame++) {
    context.fillStyle = color;
    context.fillRect(0, 0, 64, 48);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  recorder.stop();
  await new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  return new Blob(parts, { type: "video/webm" });
}

const plain = ({ width, height, data }: RawImage): PlainPicture => ({ width, height, base64: base64(data) });

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

expose(api);
