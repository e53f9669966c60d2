// Another site's server, that has files for pages of other sites, and breaks off when it is told to.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What was asked for: "GET /model.onnx bytes=5-". */
export type Asked = string;

export interface ModelServer {
  readonly origin: string;
  readonly asked: Asked[];
  /** Connections are cut after so many bytes of a body. */
  cutAfter: number | undefined;
  /** Whether other sites may read what it has. */
  allowsOthers: boolean;
  put(path: string, bytes: Uint8Array | string, etag?: string): void;
  close(): Promise<void>;
}

export async function serveModels(): Promise<ModelServer> {
  const files = new Map<string, { readonly bytes: Buffer; readonly etag: string | undefined }>();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const range = request.headers.range;
    site.asked.push(`${request.method} ${path}${range === undefined ? "" : ` ${range}`}`);
    const others = {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Expose-Headers": "ETag, Content-Range",
      "Cross-Origin-Resource-Policy": "cross-origin",
    };
    const headers = site.allowsOthers ? others : {};
    const file = files.get(path);
    if (file === undefined) {
      response.writeHead(404, headers).end();
      return;
    }
    const { bytes, etag } = file;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const part = bytes.subarray(from);
    response.writeHead(from === 0 ? 200 : 206, {
      ...headers,
      "Content-Length": part.length,
      ...(etag === undefined ? {} : { ETag: `"${etag}"` }),
      ...(from === 0 ? {} : { "Content-Range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (request.method === "HEAD") response.end();
    else if (site.cutAfter === undefined || site.cutAfter >= part.length) response.end(part);
    else response.write(part.subarray(0, site.cutAfter), () => setTimeout(() => response.destroy(), 200));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const site: ModelServer = {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    asked: [],
    cutAfter: undefined,
    allowsOthers: true,
    put: (path, bytes, etag) => void files.set(path, { bytes: Buffer.from(bytes), etag }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return site;
}
