// A file over HTTP(S) onto the disk. It arrives under a temporary name, goes on where an earlier attempt stopped, is never stuck, and gets
// its name only once it is complete and the caller has found it good.
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { AbortedError, NetworkError, SaccadeError, UsageError } from "../../errors.ts";
import { describeStatus, networkFailure, sha256OfFile } from "./download-failures.ts";
import { forget, type Leftover, readLeftover, remember } from "./download-leftover.ts";
import { makeDirectory } from "./make-directory.ts";

export interface DownloadProgress {
  /** Bytes on the disk, those of earlier attempts included. */
  readonly received: number;
  /** undefined when the server does not say. */
  readonly total: number | undefined;
}

export interface DownloadOptions {
  /** Judges the complete file before it gets its name; it throws when the content is wrong, and the file is then deleted. */
  readonly check?: (path: string) => Promise<void>;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Forgets what an earlier attempt left. Default false. */
  readonly restart?: boolean;
  /** Gives up when nothing arrives for so long. Default 30 seconds. */
  readonly stallTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Download {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Bytes that an earlier attempt had left; 0 when everything came now. */
  readonly resumedFrom: number;
  /** Where the bytes came from in the end, after redirects. */
  readonly url: string;
}

const DEFAULT_STALL_TIMEOUT_MS = 30_000;

/**
 * Downloads `url` to `path`. Until it is complete the file is called `path + ".part"`; a later call goes on from there if the server
 * confirms that its file is still the same (`If-Range`), and starts again if it does not. Redirects are followed, but not from HTTPS to HTTP.
 *
 * @throws NetworkError when the server cannot be reached, refuses, falls silent or stops early. What has arrived is kept.
 * @throws AbortedError when the signal fires. What has arrived is kept.
 * @throws UsageError for an address that is not http or https; whatever `check` throws.
 * @example
 * const { sha256 } = await download(url, "weights.pth", { check: async (path) => { await readFile(path); } });
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<Download> {
  const address = parseAddress(url);
  const part = `${path}.part`;
  try {
    await makeDirectory(dirname(path));
    if (options.restart === true) await forget(part);
    const leftover = await readLeftover(part, address.href);
    const received = await fetchPart(address, part, leftover, path, options);
    const sha256 = await sha256OfFile(part, options.signal);
    await checkOrDelete(part, options.check);
    await rename(part, path);
    await forget(part);
    return { path, sha256, ...received };
  } catch (error) {
    if (error instanceof SaccadeError) throw error;
    if (options.signal?.aborted === true) throw new AbortedError("the download", error);
    throw new SaccadeError("file", `cannot write ${part}: ${error instanceof Error ? error.message : String(error)}`, {
      data: { path: part },
      cause: error,
    });
  }
}

type Received = Pick<Download, "bytes" | "resumedFrom" | "url">;

async function fetchPart(
  address: URL,
  part: string,
  leftover: Leftover | undefined,
  path: string,
  options: DownloadOptions,
): Promise<Received> {
  const watchdog = new Watchdog(options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS, options.signal);
  try {
    const response = await request(address, leftover, watchdog.signal);
    const answer = judge(response, leftover);
    if (answer.kind === "complete") {
      await response.body?.cancel();
      return { bytes: leftover!.bytes, resumedFrom: leftover!.bytes, url: response.url };
    }
    if (answer.kind === "restart") {
      await response.body?.cancel();
      await forget(part);
      return await fetchPart(address, part, undefined, path, options);
    }
    requireSafeRedirect(address, response);
    if (answer.kind === "refused") throw describeStatus(response, address.href, path);
    const { from, total } = answer;
    if (from === 0) await remember(part, { url: address.href, validator: validatorOf(response), total });
    const file = await open(part, from === 0 ? "w" : "a");
    try {
      const bytes = await receive(response, file, { from, total }, watchdog, options.onProgress);
      await file.sync();
      return { bytes, resumedFrom: from, url: response.url };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (options.signal?.aborted === true) throw new AbortedError("the download", error);
    throw networkFailure(error, { url: address.href, path, silentForMs: watchdog.silentForMs });
  } finally {
    watchdog.stop();
  }
}

function parseAddress(url: string): URL {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UsageError(`not an address that can be downloaded: ${url}`, "it starts with https:// or http://");
  return new URL(url);
}

function request(address: URL, leftover: Leftover | undefined, signal: AbortSignal): Promise<Response> {
  return fetch(address, {
    signal,
    redirect: "follow",
    headers: {
      // A compressed answer could neither be resumed nor compared with its announced length.
      "accept-encoding": "identity",
      ...(leftover === undefined ? {} : { range: `bytes=${leftover.bytes}-`, "if-range": leftover.validator }),
    },
  });
}

type Answer =
  | { readonly kind: "body"; readonly from: number; readonly total: number | undefined }
  | { readonly kind: "complete" }
  | { readonly kind: "restart" }
  | { readonly kind: "refused" };

/** What a server's answer means for what is on the disk. */
function judge(response: Response, leftover: Leftover | undefined): Answer {
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  const total = range?.[2] === undefined || range[2] === "*" ? undefined : Number(range[2]);
  if (response.status === 206 && leftover !== undefined) {
    const fits = Number(range?.[1]) === leftover.bytes && (leftover.total ?? total) === total;
    // Some servers answer with the range of a new file in spite of If-Range.
    const same = (validatorOf(response) ?? leftover.validator) === leftover.validator;
    return fits && same ? { kind: "body", from: leftover.bytes, total } : { kind: "restart" };
  }
  if (response.status === 416 && leftover !== undefined)
    return total === leftover.bytes && leftover.total === total ? { kind: "complete" } : { kind: "restart" };
  if (!response.ok || response.status === 206 || response.body === null) return { kind: "refused" };
  return { kind: "body", from: 0, total: lengthOf(response) };
}

const isEncoded = (response: Response) => !/^(|identity)$/i.test(response.headers.get("content-encoding") ?? "");

function lengthOf(response: Response): number | undefined {
  const text = response.headers.get("content-length");
  return text === null || isEncoded(response) ? undefined : Number(text);
}

/** What identifies this very version of the file. Weak ETags do not promise equal bytes, and If-Range does not take them. */
function validatorOf(response: Response): string | undefined {
  if (isEncoded(response)) return undefined;
  const etag = response.headers.get("etag");
  if (etag?.startsWith('"')) return etag;
  return response.headers.get("last-modified") ?? undefined;
}

function requireSafeRedirect(address: URL, response: Response): void {
  if (address.protocol === "https:" && response.url.startsWith("http:"))
    throw new NetworkError(`${address.href} leads to an address without encryption: ${response.url}`, {
      hint: "anybody on the way could have changed the file",
      data: { url: address.href, redirectedTo: response.url },
    });
}

/** Appends the body to the file; the bytes that are there in the end. */
async function receive(
  response: Response,
  file: FileHandle,
  { from, total }: { from: number; total: number | undefined },
  watchdog: Watchdog,
  onProgress: DownloadOptions["onProgress"],
): Promise<number> {
  let received = from;
  onProgress?.({ received, total });
  for await (const chunk of response.body!) {
    await file.writeFile(chunk);
    received += chunk.length;
    watchdog.feed();
    onProgress?.({ received, total });
  }
  if (total !== undefined && received !== total)
    throw new NetworkError(`the connection ended after ${received} of ${total} bytes`, {
      hint: "run the same command again: it goes on from there",
      data: { received, total },
    });
  return received;
}

async function checkOrDelete(part: string, check: DownloadOptions["check"]): Promise<void> {
  try {
    await check?.(part);
  } catch (error) {
    // Going on with it later could only give the same wrong file.
    await rm(part, { force: true });
    await forget(part);
    throw error;
  }
}

/** Aborts when it is not fed for a while, or when the caller's signal fires. */
class Watchdog {
  readonly signal: AbortSignal;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, callers: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.signal = callers === undefined ? this.#controller.signal : AbortSignal.any([this.#controller.signal, callers]);
    this.feed();
  }

  /** How long it waited before it gave up; undefined while it has not. */
  get silentForMs(): number | undefined {
    return this.#controller.signal.aborted ? this.#timeoutMs : undefined;
  }

  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), this.#timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
