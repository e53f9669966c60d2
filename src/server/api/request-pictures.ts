// The pictures of a request, from a raw body, a form or JSON, read within bounds. Nothing is fetched: an address in a request is no picture.
import { SaccadeError, UsageError } from "../../errors.ts";
import { OverloadError, RequestError } from "../failures.ts";
import { fieldsOfTexts } from "./ask-schema.ts";

export interface RequestPictures {
  /** The bytes of each picture's file. */
  readonly pictures: readonly Uint8Array<ArrayBuffer>[];
  /** What else was said, not checked yet. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What all bodies that are being read may take together. */
export class BodyMemory {
  #held = 0;
  constructor(readonly limit: number) {}

  get held(): number {
    return this.#held;
  }

  /** Throws OverloadError when there is no room. */
  take(bytes: number): void {
    if (this.#held + bytes > this.limit) throw new OverloadError(this.limit, "bytes of requests are in memory");
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly maxPictures: number;
  readonly memory: BodyMemory;
}

/** A body in memory until it is disposed. */
export interface Body extends Disposable {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * A request's body.
 *
 * @throws RequestError 413 when it is larger than it may be, whatever it said before; OverloadError
 */
export async function readBody(request: Request, { maxBodyBytes, memory }: BodyLimits): Promise<Body> {
  const said = Number(request.headers.get("content-length") ?? 0);
  if (said > maxBodyBytes) throw tooLarge(maxBodyBytes);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const reader = request.body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || value === undefined) break;
      if (size + value.length > maxBodyBytes) {
        await reader?.cancel();
        throw tooLarge(maxBodyBytes);
      }
      memory.take(value.length);
      size += value.length;
      chunks.push(value);
    }
  } catch (error) {
    memory.give(size);
    // What is none of this server's own refusals comes from the connection, which names its end in one way or another.
    throw error instanceof SaccadeError ? error : new RequestError(408, "aborted", "the request's body ended early");
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { bytes, [Symbol.dispose]: () => memory.give(size) };
}

function tooLarge(maxBodyBytes: number): RequestError {
  return new RequestError(
    413,
    "limit",
    `a request may have ${maxBodyBytes} bytes`,
    "send fewer pictures, or smaller ones",
  );
}

/**
 * @throws UsageError for what is not understood, RequestError 413 for too many pictures, 415 for another kind of body
 */
export async function requestPictures(
  request: Request,
  body: Uint8Array<ArrayBuffer>,
  maxPictures: number,
): Promise<RequestPictures> {
  const contentType = request.headers.get("content-type") ?? "application/octet-stream";
  const [mediaType = ""] = contentType.toLowerCase().split(";");
  const query = fieldsOfTexts(new URL(request.url).searchParams);
  const given = await picturesOf(mediaType.trim(), contentType, body);
  if (given.pictures.length === 0) throw new UsageError("there is no picture in the request", HOW);
  requireFew(given.pictures.length, maxPictures);
  for (const name of Object.keys(query))
    if (name in given.fields) throw new UsageError(`${name} is in the address and in the body`, "say it once");
  return { pictures: given.pictures, fields: { ...query, ...given.fields } };
}

/** Throws RequestError 413 for more pictures than a request may have. */
export function requireFew(count: number, most: number): void {
  if (count > most) throw new RequestError(413, "limit", `a request may have ${most} pictures, this one has ${count}`);
}

const HOW =
  'send a picture\'s file as the body, files as "image" of multipart/form-data, or JSON: {"image": BASE64} or {"images": [BASE64, …]}';

async function picturesOf(
  mediaType: string,
  contentType: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<RequestPictures> {
  if (mediaType === "application/json") return jsonPictures(body);
  if (mediaType === "multipart/form-data") return formPictures(contentType, body);
  if (mediaType.startsWith("image/") || mediaType === "application/octet-stream")
    return { pictures: body.length === 0 ? [] : [body], fields: {} };
  throw new RequestError(
    415,
    "unsupported_media_type",
    `a body of the type ${mediaType.slice(0, 100)} is not read`,
    HOW,
  );
}

async function formPictures(contentType: string, body: Uint8Array<ArrayBuffer>): Promise<RequestPictures> {
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData().catch(() => {
    throw new UsageError("the form is damaged: its parts do not fit its boundary");
  });
  const files: Blob[] = [];
  const texts: [string, string][] = [];
  for (const [name, value] of form) {
    if (typeof value === "string") texts.push([name, value]);
    else if (name === "image" || name === "images") files.push(value);
    else throw new UsageError('files of a form are called "image"', HOW);
  }
  const pictures = await Promise.all(files.map(async (file) => new Uint8Array(await file.arrayBuffer())));
  return { pictures, fields: fieldsOfTexts(texts) };
}

function jsonPictures(body: Uint8Array<ArrayBuffer>): RequestPictures {
  const json = parseJson(body);
  const { image, images, ...fields } = json;
  if (image !== undefined && images !== undefined) throw new UsageError("image and images exclude each other", HOW);
  const list: readonly unknown[] = image !== undefined ? [image] : Array.isArray(images) ? images : [];
  return { pictures: list.map(decodeBase64), fields };
}

/** @throws UsageError for what is no JSON object in UTF-8 */
export function parseJson(body: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new UsageError("the body is not JSON in UTF-8");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new UsageError("the body is JSON, but not an object", HOW);
  return json as Record<string, unknown>;
}

/** A picture's file out of JSON. Throws UsageError for anything but base64, and for an address. */
export function decodeBase64(text: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text !== "string") throw new UsageError("a picture in JSON is a text in base64", HOW);
  if (/^https?:/i.test(text)) throw new UsageError("addresses are not fetched", "send the picture itself");
  const plain = text.replace(/^data:[\w/+.-]*;base64,/, "");
  const bytes = Uint8Array.from(Buffer.from(plain, "base64"));
  // Buffer passes over what is not base64; that would be another picture than was sent.
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(plain) || plain.length % 4 === 1)
    throw new UsageError("a picture is not in base64", HOW);
  return bytes;
}
