// Serves a folder of files to browsers on this machine: the built page, isolated so that WebAssembly may use threads, under a content security policy
// that lets it ask nobody else for anything. Only files that were there at the start have an address, so no path leads out of the folder.
import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { UsageError } from "../../errors.ts";
import { listen } from "./listen.ts";
import { missingPage, pageFiles } from "./page-files.ts";

/** Loopback alone: nobody else on the network sees the page. */
const HOST = "127.0.0.1";
/** Names under which browsers on this machine may ask. Any other name is a stranger's that was made to point here. */
const OWN_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".svg": "image/svg+xml; charset=utf-8",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".md": "text/markdown; charset=utf-8",
  ".safetensors": "application/octet-stream",
};
/** What is small already. */
const COMPRESSED = new Set([".png", ".jpg", ".woff2"]);
/** A seventh of a second for 5 MB, and hardly larger than the best. */
const BROTLI_QUALITY = 5;
/** Names that the bundler made of the content: `index-DmouqX-G.js` never changes. */
const LASTING_NAME = /-[\w-]{8}\.\w+$/;

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self' blob: data:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;

export interface PageServerOptions {
  /** The folder with the built page. */
  readonly folder: string;
  /** 0 takes any that is free. */
  readonly port: number;
}

export interface PageServer extends AsyncDisposable {
  /** Where browsers find it: "http://127.0.0.1:7222/". */
  readonly url: string;
}

/** A file with an address. */
interface ServedFile {
  readonly path: string;
  readonly extension: string;
  /** Whether its address means this content for good. */
  readonly isLasting: boolean;
  /** Kept once it was asked for. */
  brotli?: Promise<Buffer>;
}

/**
 * Serves a folder until it is disposed.
 *
 * @throws NotFoundError without an index.html in the folder; UsageError for a port that cannot be one; SessionError where it is taken
 */
export async function servePage({ folder, port }: PageServerOptions): Promise<PageServer> {
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new UsageError(`a port is a whole number from 0 to 65535, got ${port}`);
  const files = addressedFiles(folder);
  if (!files.has("/")) throw missingPage(folder);
  const server = createServer((request, response) => {
    answer(files, request, response).catch(() => response.destroy());
  });
  const url = `http://${HOST}:${await listen(server, { host: HOST, port, what: "page" })}/`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await promisify(server.close.bind(server))();
    },
  };
}

/** Every file of the page by its address; index.html is "/" too. */
function addressedFiles(folder: string): Map<string, ServedFile> {
  const files = new Map<string, ServedFile>();
  for (const [name, path] of pageFiles(folder))
    files.set(`/${name}`, { path, extension: extname(name), isLasting: LASTING_NAME.test(name) });
  const index = files.get("/index.html");
  if (index !== undefined) files.set("/", index);
  return files;
}

/**
 * The same page for a server that answers other requests too: says whether a request is for one of its files, and answers it then. undefined where the
 * page is not built.
 */
export function pageListener(
  folder: string,
): ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined {
  const files = addressedFiles(folder);
  if (!files.has("/")) return undefined;
  return (request, response) => {
    const file = files.get(addressOf(request.url ?? "/"));
    if (file === undefined || (request.method !== "GET" && request.method !== "HEAD")) return false;
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    send(file, request, response).catch(() => response.destroy());
    return true;
  };
}

async function answer(
  files: ReadonlyMap<string, ServedFile>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const name = (request.headers.host ?? "").replace(/:\d+$/, "");
  if (!OWN_NAMES.has(name)) return refuse(response, 421, "This page is served to this machine alone.");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return refuse(response, 405, "This page is only read.");
  }
  const file = files.get(addressOf(request.url ?? "/"));
  if (file === undefined) return refuse(response, 404, "There is nothing at this address.");
  await send(file, request, response);
}

/** The path of a request, without what stands behind "?". What cannot be decoded is no address of ours. */
function addressOf(url: string): string {
  try {
    return decodeURIComponent(url.split("?")[0]!);
  } catch {
    return "";
  }
}

function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" });
  response.end(`${words}\n`);
}

async function send(file: ServedFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const isCompressible = !COMPRESSED.has(file.extension);
  response.setHeader("Content-Type", TYPES[file.extension] ?? "application/octet-stream");
  if (isCompressible) response.setHeader("Vary", "Accept-Encoding");
  if (file.isLasting) response.setHeader("Cache-Control", "public, max-age=31536000, immutable");
  else {
    const etag = contentTag(file);
    response.setHeader("ETag", etag);
    response.setHeader("Cache-Control", "no-cache");
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304).end();
      return;
    }
  }
  if (isCompressible && acceptsBrotli(request.headers["accept-encoding"]) && request.method === "GET") {
    const bytes = await compressed(file);
    response.writeHead(200, { "Content-Encoding": "br", "Content-Length": bytes.length });
    response.end(bytes);
    return;
  }
  response.writeHead(200, { "Content-Length": statSync(file.path).size });
  if (request.method === "HEAD") response.end();
  else await pipeline(createReadStream(file.path), response);
}

/** Whether Brotli is named, and not with the weight that means never (RFC 9110, 12.4.2). */
function acceptsBrotli(header: string | string[] | undefined): boolean {
  return String(header ?? "")
    .split(",")
    .some((choice) => {
      const [coding, weight = "q=1"] = choice
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      return coding === "br" && Number(weight.replace(/^q=/, "")) > 0;
    });
}

/** Of the content: packages are unpacked with one date for all files. */
function contentTag({ path }: ServedFile): string {
  return `"${createHash("sha256").update(readFileSync(path)).digest("base64url").slice(0, 22)}"`;
}

/** What has its name from its content is compressed once. */
function compressed(file: ServedFile): Promise<Buffer> {
  if (!file.isLasting) return compress(file);
  file.brotli ??= compress(file);
  return file.brotli;
}

function compress({ path }: ServedFile): Promise<Buffer> {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
  };
  return promisify(brotliCompress)(readFileSync(path), { params });
}
