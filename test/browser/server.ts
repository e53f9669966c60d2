// A server on loopback for pages of tests: what a page's own server should send. Everything is refused that was not put there.
import { existsSync, readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, resolve } from "node:path";

/** Scripts of the page's own address and WebAssembly, nothing else: no inline script, no eval, no other host. */
export const STRICT_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
].join("; ");

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".png": "image/png",
  ".jpg": "image/jpeg",
};

export interface ServerOptions {
  /** Cross-origin isolation, which threads of WebAssembly need. Default true. */
  readonly isolated?: boolean;
  /** The page's Content-Security-Policy. Default `STRICT_POLICY`. */
  readonly policy?: string;
  /** Whether the browser may keep everything but the page itself. Default false. */
  readonly cached?: boolean;
  /** Files on the disk by the beginning of their addresses: { "/models/": "…/models/" } serves …/models/a as /models/a. */
  readonly folders?: Readonly<Record<string, string>>;
}

export interface LoopbackServer {
  /** "http://127.0.0.1:43210" */
  readonly origin: string;
  /** Serves bytes under a path from now on; undefined takes them away again. */
  put(path: string, bytes: Uint8Array | string | undefined): void;
  close(): Promise<void>;
}

export async function serveLoopback(options: ServerOptions = {}): Promise<LoopbackServer> {
  const { cached = false, isolated = true, policy = STRICT_POLICY, folders = {} } = options;
  const files = new Map<string, Uint8Array | string>();
  const headers = {
    "Content-Security-Policy": policy,
    "X-Content-Type-Options": "nosniff",
    ...(isolated
      ? { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" }
      : {}),
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const body = files.get(path) ?? fromFolders(path, folders);
    const kept = cached && path !== "/" ? { "Cache-Control": "public, max-age=31536000, immutable" } : {};
    send(response, path, body, { ...headers, ...kept }, request.headers.range);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    put: (path, bytes) => {
      if (bytes === undefined) files.delete(path);
      else files.set(path, bytes);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function fromFolders(path: string, folders: Readonly<Record<string, string>>): Uint8Array | undefined {
  for (const [address, begin] of Object.entries(folders)) {
    if (!path.startsWith(address)) continue;
    const file = resolve(`${begin}${path.slice(address.length)}`);
    if (file.startsWith(begin) && existsSync(file)) return readFileSync(file);
  }
  return undefined;
}

function send(
  response: ServerResponse,
  path: string,
  body: Uint8Array | string | undefined,
  headers: Readonly<Record<string, string>>,
  range: string | undefined,
): void {
  if (body === undefined) {
    response.writeHead(404, headers).end("not here");
    return;
  }
  const whole = typeof body === "string" ? Buffer.from(body) : body;
  const type = {
    "Content-Type": TYPES[path === "/" ? ".html" : extname(path)] ?? "application/octet-stream",
    "Accept-Ranges": "bytes",
  };
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === undefined) {
    response.writeHead(200, { ...headers, ...type, "Content-Length": whole.length }).end(whole);
    return;
  }
  const end = to === "" || to === undefined ? whole.length - 1 : Math.min(Number(to), whole.length - 1);
  const part = whole.subarray(Number(from), end + 1);
  const where = { "Content-Range": `bytes ${from}-${end}/${whole.length}`, "Content-Length": part.length };
  response.writeHead(206, { ...headers, ...type, ...where }).end(part);
}
