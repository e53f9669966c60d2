// Files and camera frames as the pictures that are kept: no larger than models want to see them, so that ten thousand fit into a browser's storage.
import { decodeImage } from "../library.ts";
import { ProblemError, problemOf } from "../problems.ts";

/** A picture that is ready to be kept. */
export interface PreparedPicture {
  /** SHA-256 of the file, hexadecimal. */
  readonly hash: string;
  readonly name: string;
  readonly file: Blob;
}

/** The shorter side that is kept: models look at squares of 64 to 224 pixels. */
const SHORT_SIDE = 256;
const QUALITY = 0.92;
/** Files that are kept as they are when they are small already. */
const KEPT_AS_IS = new Set(["image/jpeg", "image/png", "image/webp"]);
const SMALL_BYTES = 100_000;

/** @throws ProblemError that names the file, when it is no picture */
export async function pictureOfFile(file: Blob, name: string): Promise<PreparedPicture> {
  const bitmap = await bitmapOf(file, name);
  try {
    const isSmall = Math.min(bitmap.width, bitmap.height) <= SHORT_SIDE && file.size <= SMALL_BYTES;
    // A copy in memory: the file on the disk may change or go away.
    const kept =
      isSmall && KEPT_AS_IS.has(file.type)
        ? new Blob([await file.arrayBuffer()], { type: file.type })
        : await shrunk(bitmap);
    return { hash: await hashOf(kept), name, file: kept };
  } finally {
    bitmap.close();
  }
}

/** What a video shows now. */
export async function pictureOfFrame(video: HTMLVideoElement, name: string): Promise<PreparedPicture> {
  const file = await shrunk(video, video.videoWidth, video.videoHeight);
  return { hash: await hashOf(file), name, file };
}

async function bitmapOf(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    // The library knows more kinds, and says in words what is wrong with a file.
    try {
      const { width, height, data } = await decodeImage(file);
      const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
      for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
      return await createImageBitmap(new ImageData(rgba, width, height));
    } catch (error) {
      const { message, hint } = problemOf(error);
      throw new ProblemError(`${name}: ${message}`, hint);
    }
  }
}

async function shrunk(picture: ImageBitmap | HTMLVideoElement, fromWidth = picture.width, fromHeight = picture.height) {
  const scale = Math.min(1, SHORT_SIDE / Math.min(fromWidth, fromHeight));
  const [width, height] = [Math.max(1, Math.round(fromWidth * scale)), Math.max(1, Math.round(fromHeight * scale))];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false })!;
  context.imageSmoothingQuality = "high";
  // What is transparent is white, as everywhere.
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}

export async function hashOf(file: Blob): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
