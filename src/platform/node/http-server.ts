// Listens for HTTP or HTTPS and hands requests to an application that knows only Request and Response. Slow and endless requests are cut off here.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { getRequestListener } from "@hono/node-server";
import { SessionError } from "../../errors.ts";
import { listen } from "./listen.ts";

/** What answers. */
export type FetchHandler = (request: Request, connection: { readonly remote: string }) => Response | Promise<Response>;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: Uint8Array; readonly key: Uint8Array } | undefined;
  readonly fetch: FetchHandler;
  /** Files for people: answers the request, or says that it is not one of its own. */
  readonly page?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** How long a request may take to arrive. Default 60 s. */
  readonly requestTimeoutMs?: number;
  /** How long a connection may be silent while a request is answered, or its answer is not read. Default 5 min. */
  readonly idleTimeoutMs?: number;
}

export interface HttpServer {
  /** "http://127.0.0.1:7223/" */
  readonly url: string;
  /** From now on every answer ends its connection, so that clients look for another server. */
  beginClose(): void;
  /**
   * Takes no new connection, and closes those that wait for a request. Resolves when all are closed; those that are still open when the signal
   * fires are cut off.
   */
  close(signal?: AbortSignal): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 300_000;
/** Longer than balancers keep connections that wait (60 s is usual): they must be the first to close one, or they send on one that is closed just then. */
const KEEP_ALIVE_MS = 65_000;
/** Time between looks at which requests take too long. */
const MOST_CHECK_MS = 5_000;
const MOST_HEADER_BYTES = 2 ** 14;
const MOST_CONNECTIONS = 10_000;

/**
 * Listens until it is closed.
 *
 * @throws SessionError where the port is taken or may not be used, or the certificate is none
 */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, tls, fetch, page, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  const { idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
  const answer = getRequestListener(
    (request, { incoming }) => fetch(request, { remote: (incoming as IncomingMessage).socket.remoteAddress ?? "" }),
    // It would close the connection on which a refused request is still being sent, and clients would never see why they were refused.
    { autoCleanupIncoming: false },
  );
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    if (isLeaving) response.setHeader("Connection", "close");
    // What was being answered when the end came leaves a connection that waits for more. Not before: on one that waits, a client may be sending just now.
    response.once("finish", () => setImmediate(() => isClosing && server.closeIdleConnections()));
    // What is left of a body that nobody wanted is read and forgotten, for as long as a request may take to arrive.
    response.once("finish", () => request.resume());
    if (page?.(request, response) !== true) void answer(request, response);
  };
  let isLeaving = false;
  let isClosing = false;
  const limits = {
    maxHeaderSize: MOST_HEADER_BYTES,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(MOST_CHECK_MS, requestTimeoutMs / 4),
  };
  const server =
    tls === undefined
      ? createServer(limits, listener)
      : secureServer({ ...limits, cert: Buffer.from(tls.cert), key: Buffer.from(tls.key) }, listener);
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = idleTimeoutMs;
  const actualPort = await listen(server, { host, port, what: "serve" });
  const scheme = tls === undefined ? "http" : "https";
  return {
    url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${actualPort}/`,
    beginClose() {
      isLeaving = true;
    },
    close(signal) {
      isLeaving = true;
      isClosing = true;
      return new Promise((resolve) => {
        const cut = () => server.closeAllConnections();
        server.close(() => {
          signal?.removeEventListener("abort", cut);
          resolve();
        });
        server.closeIdleConnections();
        signal?.addEventListener("abort", cut, { once: true });
        if (signal?.aborted === true) cut();
      });
    },
  };
}

function secureServer(
  options: Parameters<typeof createSecureServer>[0],
  listener: (request: IncomingMessage, response: ServerResponse) => void,
) {
  try {
    return createSecureServer(options, listener);
  } catch (cause) {
    throw new SessionError(`the certificate or its key is not usable: ${(cause as Error).message}`, {
      hint: "both are PEM files, and belong together",
      cause,
    });
  }
}
