// Files over HTTP into memory, by way of the browser's cache of models: what is there already is not fetched again, what an earlier attempt left is continued,
// and without a network what was complete is as good as ever.
import { NetworkError } from "../../errors.ts";
import { addressOf, fetchAddress } from "./address.ts";
import { Arrival } from "./arrival.ts";
import { sha256 } from "./digest.ts";
import { type CacheNote, ModelCache, validatorOf } from "./model-cache.ts";
import { statusFault } from "./network-faults.ts";

export interface DownloadProgress {
  readonly url: string;
  /** Bytes that are here, those of earlier attempts included. */
  readonly received: number;
  /** undefined when the server does not say. */
  readonly total: number | undefined;
}

export interface DownloadOptions {
  /** SHA-256 that the file has, 64 hexadecimal digits. What is cached is then never asked after, and anything else is refused. */
  readonly sha256?: string;
  /** Under which path the library looks for it. */
  readonly path?: string;
  readonly maxBytes?: number;
  /** Whether the browser's own cache gets it too, for others who ask for the same address. Default false. */
  readonly isShared?: boolean;
  /** Judges the file before it is kept; it throws when the content is wrong. */
  readonly check?: (bytes: Uint8Array) => void | Promise<void>;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Hears that the file could not be kept. */
  readonly onNotice?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The bytes of a file, from the cache or the network.
 *
 * @throws NetworkError when it cannot be had; what has arrived is kept. FormatError when it is not the file that `sha256` says. AbortedError, LimitError
 */
export async function download(url: string | URL, options: DownloadOptions = {}): Promise<Uint8Array> {
  const address = addressOf(url);
  if (address.protocol === "data:" || address.protocol === "blob:") {
    const response = await fetchAddress(address, requestInit(options));
    return new Uint8Array(await response.arrayBuffer());
  }
  const cache = await ModelCache.open();
  if (cache === undefined) return new Arrival(address, options).finish(await ask(address, options));
  const id = options.sha256 ?? `u-${(await sha256(new TextEncoder().encode(address.href))).slice(0, 40)}`;
  // One tab fetches, the others wait and find it.
  return navigator.locks.request(
    `saccade model ${id}`,
    { ...(options.signal === undefined ? {} : { signal: options.signal }) },
    () => throughCache(cache, id, address, options),
  );
}

/** Whether there is a file at an address, and its size where that is known; undefined when there is none. */
export async function lookFor(url: URL, options: DownloadOptions = {}): Promise<{ size: number } | undefined> {
  const cached = await completeNote(url);
  try {
    const response = await fetchAddress(url, { ...requestInit(options), method: "HEAD" });
    // Servers for development answer every address with their page.
    const isPage = /^text\/html/i.test(response.headers.get("content-type") ?? "");
    if (response.ok && !isPage) return { size: Number(response.headers.get("content-length") ?? 0) };
    if (response.ok || response.status === 404 || response.status === 410) return undefined;
    throw statusFault(url.href, response);
  } catch (error) {
    if (cached !== undefined && error instanceof NetworkError) return { size: cached.parts.reduce((a, b) => a + b, 0) };
    throw error;
  }
}

async function completeNote(url: URL): Promise<CacheNote | undefined> {
  const notes = (await (await ModelCache.open())?.notes()) ?? [];
  return notes.find((note) => note.url === url.href && note.isComplete);
}

async function throughCache(
  cache: ModelCache,
  id: string,
  address: URL,
  options: DownloadOptions,
): Promise<Uint8Array> {
  const note = await cache.note(id);
  const kept = note === undefined ? undefined : await cache.read(note);
  if (note !== undefined && kept !== undefined && note.isComplete && (await isGood(kept, note, address, options))) {
    options.onProgress?.({ url: address.href, received: kept.length, total: kept.length });
    return kept;
  }
  if (note !== undefined && (kept === undefined || note.isComplete)) await cache.forget(id);
  const begun = note !== undefined && kept !== undefined && !note.isComplete ? { note, kept } : undefined;
  const response = await ask(address, options, begun?.kept.length);
  const continues = begun !== undefined && isContinued(response, begun.note, begun.kept.length, options);
  if (begun !== undefined && !continues) await cache.forget(id);
  if (response.status === 206 && !continues) {
    await response.body?.cancel();
    return throughCache(cache, id, address, options);
  }
  const arrival = new Arrival(address, options, { cache, id }, continues ? begun : undefined);
  return arrival.finish(response);
}

/** Whether what is kept may be used: it is what was asked for, or still what the server has, or the server cannot be asked. */
async function isGood(bytes: Uint8Array, note: CacheNote, address: URL, options: DownloadOptions): Promise<boolean> {
  if (note.sha256 !== undefined && note.sha256 !== (await sha256(bytes))) return false;
  if (options.sha256 !== undefined) return true;
  const response = await fetchAddress(address, { ...requestInit(options), method: "HEAD" }).catch((error: unknown) => {
    if (error instanceof NetworkError) return undefined;
    throw error;
  });
  if (response?.ok !== true) return true; // offline, or gone: what is here is better than nothing
  const validator = validatorOf(response);
  if (validator !== undefined && note.validator !== undefined) return validator === note.validator;
  const length = response.headers.get("content-length");
  return length === null || Number(length) === bytes.length;
}

const requestInit = ({ isShared = false, signal }: DownloadOptions): RequestInit => ({
  // The parts are kept here: the browser need not keep them a second time, and must never answer with an old one.
  cache: isShared ? "no-cache" : "no-store",
  ...(signal === undefined ? {} : { signal }),
});

/** `If-Range` would have to be allowed by another site's server, so the answer is judged instead. */
async function ask(address: URL, options: DownloadOptions, from = 0): Promise<Response> {
  const headers = from === 0 ? {} : { range: `bytes=${from}-` };
  const response = await fetchAddress(address, { ...requestInit(options), headers });
  // The part that is wanted begins where the file ends: it was complete, or has become shorter.
  if (response.status === 416 && from > 0) return ask(address, options);
  if (response.ok && response.body !== null) return response;
  throw statusFault(address.href, response);
}

/** Whether a server goes on with the very file of which the first bytes are here. */
function isContinued(response: Response, note: CacheNote, from: number, options: DownloadOptions): boolean {
  if (response.status !== 206) return false;
  const range = /^bytes (\d+)-\d+\/(\d+)/.exec(response.headers.get("content-range") ?? "");
  if (range !== null && Number(range[1]) !== from) return false;
  const rest = response.headers.get("content-length");
  if (note.total !== undefined && rest !== null && from + Number(rest) !== note.total) return false;
  const validator = validatorOf(response);
  // A digest that is known decides in the end; without one, the server has to say that the file is the same.
  return validator === undefined || note.validator === undefined
    ? options.sha256 !== undefined
    : validator === note.validator;
}
