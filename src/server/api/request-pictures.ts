// The pictures of a request, from a raw body, a form or JSON, read within bounds.
import { UsageError } from "../../errors.ts";
import { RequestError } from "../failures.ts";
import { fieldsOfTexts } from "./ask-schema.ts";

export interface RequestPictures {
  /** The bytes of each picture's file, or the address where they are (in JSON alone). */
  readonly pictures: readonly (Uint8Array<ArrayBuffer> | string)[];
  /** What else was said, not checked yet. */
  readonly fields: Readonly<Record<string, unknown>>;
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
  const given = await picturesOf(mediaType.trim(), contentType, body, maxPictures);
  if (given.pictures.length === 0) throw new UsageError("there is no picture in the request", HOW);
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
  maxPictures: number,
): Promise<RequestPictures> {
  if (mediaType === "application/json") return jsonPictures(body, maxPictures);
  if (mediaType === "multipart/form-data") return formPictures(contentType, body, maxPictures);
  if (mediaType.startsWith("image/") || mediaType === "application/octet-stream")
    return { pictures: body.length === 0 ? [] : [body], fields: {} };
  throw new RequestError(
    415,
    "unsupported_media_type",
    `a body of the type ${mediaType.slice(0, 100)} is not read`,
    HOW,
  );
}

async function formPictures(
  contentType: string,
  body: Uint8Array<ArrayBuffer>,
  maxPictures: number,
): Promise<RequestPictures> {
  const boundary = formBoundary(contentType);
  requirePlainForm(body, boundary, maxPictures + MOST_FIELDS);
  const headers = { "content-type": `multipart/form-data; boundary="${boundary}"` };
  const form = await new Response(body, { headers }).formData().catch(() => {
    throw new UsageError(DAMAGED_FORM);
  });
  const files: Blob[] = [];
  const texts: [string, string][] = [];
  for (const [name, value] of form) {
    if (typeof value === "string") texts.push([name, value]);
    else if (name === "image" || name === "images") files.push(value);
    else throw new UsageError('files of a form are called "image"', HOW);
  }
  requireFew(files.length, maxPictures);
  const pictures = await Promise.all(files.map(async (file) => new Uint8Array(await file.arrayBuffer())));
  return { pictures, fields: fieldsOfTexts(texts) };
}

/** Parts of a form that are no pictures. */
const MOST_FIELDS = 32;
/** What stands before a part's content. */
const MOST_PART_HEADER_BYTES = 4096;
const DAMAGED_FORM = "the form is damaged: its parts do not fit its boundary";

/** The boundary between a form's parts (RFC 2046, 5.1.1). Throws UsageError. */
function formBoundary(contentType: string): string {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain ?? "";
  if (!/^[\w'()+,./:=? -]{1,70}$/.test(boundary) || boundary.endsWith(" ")) throw new UsageError(DAMAGED_FORM);
  return boundary;
}

/**
 * Whether it is worth parsing: a form of a hundred thousand parts, or one whose headers have no end, would keep everybody waiting.
 *
 * @throws RequestError 413 for too many parts, UsageError
 */
function requirePlainForm(body: Uint8Array<ArrayBuffer>, boundary: string, mostParts: number): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const mark = `--${boundary}`;
  let parts = 0;
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at)) {
    at += mark.length;
    if (bytes.subarray(at, at + 2).equals(FORM_END)) return;
    if (++parts > mostParts) throw new RequestError(413, "limit", `a form may have ${mostParts} parts`);
    if (!bytes.subarray(at, at + MOST_PART_HEADER_BYTES).includes("\r\n\r\n")) throw new UsageError(DAMAGED_FORM);
  }
  throw new UsageError(DAMAGED_FORM);
}

const FORM_END = Buffer.from("--");

function jsonPictures(body: Uint8Array<ArrayBuffer>, maxPictures: number): RequestPictures {
  const { image, images, ...fields } = parseJson(body, maxPictures + MOST_JSON_FIELDS);
  if (image !== undefined && images !== undefined) throw new UsageError("image and images exclude each other", HOW);
  const list: readonly unknown[] = image !== undefined ? [image] : Array.isArray(images) ? images : [];
  requireFew(list.length, maxPictures);
  return { pictures: list.map((one) => (typeof one === "string" && isAddress(one) ? one : decodeBase64(one))), fields };
}

/** Values beside pictures. */
const MOST_JSON_FIELDS = 1000;
/** Bytes that begin or part values. None of them is in base64. */
const STRUCTURE = [...",:[{"].map((mark) => mark.charCodeAt(0));

/**
 * @param mostValues of the whole text: a few millions of them in a body that is not large would keep everybody waiting
 * @throws UsageError for what is no JSON object in UTF-8, RequestError 413
 */
export function parseJson(body: Uint8Array<ArrayBuffer>, mostValues: number): Record<string, unknown> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  let values = 0;
  for (const mark of STRUCTURE)
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + 1))
      if (++values > mostValues)
        throw new RequestError(413, "limit", `JSON of more than ${mostValues} values is not read`);
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

function isAddress(text: string): boolean {
  return /^https?:/i.test(text);
}

/** A picture's file out of JSON. Throws UsageError for anything but base64, and for an address. */
export function decodeBase64(text: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text !== "string") throw new UsageError("a picture in JSON is a text in base64", HOW);
  if (isAddress(text)) throw new UsageError("addresses are not fetched", "send the picture itself");
  const plain = text.replace(/^data:[\w/+.-]*;base64,/, "");
  const bytes = new Uint8Array(Buffer.from(plain, "base64"));
  // Buffer passes over what is not base64; that would be another picture than was sent.
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(plain) || plain.length % 4 === 1)
    throw new UsageError("a picture is not in base64", HOW);
  return bytes;
}
