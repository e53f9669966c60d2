import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AbortedError, FormatError, NetworkError, UsageError } from "../../errors.ts";
import { type DownloadProgress, download } from "./download.ts";

const FILE = randomBytes(300_000);
const OTHER = randomBytes(300_000);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

let folder: string;
let path: string;
let server: Server | undefined;
let requests: IncomingMessage[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "saccade-download-"));
  path = join(folder, "cache", "weights.pth");
  requests = [];
});

afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer((request, response) => {
    requests.push(request);
    handle(request, response);
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.pth`;
}

interface Behaviour {
  file?: () => Uint8Array;
  etag?: () => string | undefined;
  /** Cuts the connection after so many bytes of the body. */
  cutAfter?: () => number | undefined;
  ranges?: boolean;
  /** Answers with ranges whatever If-Range says. */
  ignoresIfRange?: boolean;
}

/** An ordinary static file server, with the faults asked for. */
function fileServer(behaviour: Behaviour = {}): Promise<string> {
  const { file = () => FILE, etag = () => '"1"', cutAfter, ranges = true, ignoresIfRange = false } = behaviour;
  return serve((request, response) => {
    const whole = file();
    const tag = etag();
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? Number.NaN);
    const ranged = ranges && !Number.isNaN(start) && (ignoresIfRange || request.headers["if-range"] === tag);
    const headers: Record<string, string | number> = tag === undefined ? {} : { etag: tag };
    if (ranged && start >= whole.length) {
      response.writeHead(416, { ...headers, "content-range": `bytes */${whole.length}` }).end();
      return;
    }
    const body = ranged ? whole.subarray(start) : whole;
    headers["content-length"] = body.length;
    if (ranged) headers["content-range"] = `bytes ${start}-${whole.length - 1}/${whole.length}`;
    response.writeHead(ranged ? 206 : 200, headers);
    const cut = cutAfter?.();
    if (cut === undefined) response.end(body);
    else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 30));
  });
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail("it went through"),
    (error: unknown) => error,
  );

const cutOnce = (bytes: number) => {
  let first = true;
  return () => {
    const cut = first ? bytes : undefined;
    first = false;
    return cut;
  };
};

test("a whole file, with progress, its digest, and nothing left beside it", async () => {
  const progress: DownloadProgress[] = [];
  const url = await fileServer();
  const result = await download(url, path, { onProgress: (state) => progress.push(state) });
  expect(result).toEqual({ path, bytes: FILE.length, sha256: sha256(FILE), resumedFrom: 0, url });
  expect(readFileSync(path).equals(FILE)).toBe(true);
  expect(progress[0]).toEqual({ received: 0, total: FILE.length });
  expect(progress.at(-1)).toEqual({ received: FILE.length, total: FILE.length });
  expect(existsSync(`${path}.part`) || existsSync(`${path}.part.json`)).toBe(false);
});

test("a cut connection keeps what has arrived, and the next call goes on from there", async () => {
  const url = await fileServer({ cutAfter: cutOnce(100_000) });
  const error = await failure(download(url, path));
  expect(error).toBeInstanceOf(NetworkError);
  expect((error as NetworkError).hint).toContain("kept");
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(`${path}.part`).length).toBe(100_000);
  const result = await download(url, path);
  expect(requests[1]?.headers.range).toBe("bytes=100000-");
  expect(result).toMatchObject({ bytes: FILE.length, resumedFrom: 100_000, sha256: sha256(FILE) });
  expect(readFileSync(path).equals(FILE)).toBe(true);
});

test.each([
  ["that confirms nothing", { ranges: false }],
  ["whose file has changed", { etag: () => `"${requests.length}"`, file: () => (requests.length > 1 ? OTHER : FILE) }],
  [
    "that ignores If-Range though its file has changed",
    {
      etag: () => `"${requests.length}"`,
      file: () => (requests.length > 1 ? OTHER : FILE),
      ignoresIfRange: true,
    },
  ],
  ["without ETag or date", { etag: () => undefined, ignoresIfRange: true }],
] satisfies [string, Behaviour][])("with a server %s it starts again", async (_, behaviour: Behaviour) => {
  const url = await fileServer({ ...behaviour, cutAfter: cutOnce(100_000) });
  await failure(download(url, path));
  const result = await download(url, path);
  const expected = behaviour.file === undefined ? FILE : OTHER;
  expect(result).toMatchObject({ resumedFrom: 0, sha256: sha256(expected) });
  expect(readFileSync(path).equals(expected)).toBe(true);
});

test("a weak ETag is no promise of equal bytes: nothing is continued with it", async () => {
  const url = await fileServer({ etag: () => 'W/"1"', cutAfter: cutOnce(100_000), ignoresIfRange: true });
  await failure(download(url, path));
  expect((await download(url, path)).resumedFrom).toBe(0);
  expect(requests[1]?.headers.range).toBeUndefined();
});

test("a part that is complete already only gets its name", async () => {
  const url = await fileServer();
  await failure(
    download(url, path, {
      check: async () => {
        // As when the process ends between the last byte and the rename.
        writeFileSync(join(folder, "copy"), readFileSync(`${path}.part`));
        writeFileSync(join(folder, "copy.json"), readFileSync(`${path}.part.json`));
        throw new FormatError("weights", "stop here");
      },
    }),
  );
  writeFileSync(`${path}.part`, readFileSync(join(folder, "copy")));
  writeFileSync(`${path}.part.json`, readFileSync(join(folder, "copy.json")));
  expect(await download(url, path)).toMatchObject({ resumedFrom: FILE.length, sha256: sha256(FILE) });
  expect(readFileSync(path).equals(FILE)).toBe(true);
});

test("restart forgets what was left; so does another address", async () => {
  const url = await fileServer({ cutAfter: cutOnce(100_000) });
  await failure(download(url, path));
  expect((await download(url, path, { restart: true })).resumedFrom).toBe(0);
  await rm(path);
  writeFileSync(`${path}.part`, "x".repeat(50));
  writeFileSync(`${path}.part.json`, JSON.stringify({ url: "https://example.org/other", validator: '"1"' }));
  expect((await download(url, path)).resumedFrom).toBe(0);
  expect(readFileSync(path).equals(FILE)).toBe(true);
});

test("a damaged note beside the part is as good as none", async () => {
  const url = await fileServer();
  await failure(download(url, path, { check: () => Promise.reject(new FormatError("weights", "no")) }));
  writeFileSync(`${path}.part`, "rubbish");
  writeFileSync(`${path}.part.json`, "{");
  expect(await download(url, path)).toMatchObject({ resumedFrom: 0, sha256: sha256(FILE) });
});

test.each([
  [404, "404 Not Found"],
  [403, "403 Forbidden"],
  [500, "500 Internal Server Error"],
  [206, "206 Partial Content"],
])("status %i is said, with what to do by hand", async (status, words) => {
  const url = await serve((_, response) => response.writeHead(status).end("sorry"));
  const error = await failure(download(url, path));
  expect(error).toBeInstanceOf(NetworkError);
  expect((error as NetworkError).message).toContain(words);
  expect((error as NetworkError).hint).toContain(`put it at ${path}`);
  expect((error as NetworkError).hint).toContain(url);
  expect(existsSync(path) || existsSync(`${path}.part`)).toBe(false);
});

test("an error of the server in the middle of it all leaves the part to go on with", async () => {
  let down = false;
  const url = await serve((request, response) => {
    if (down) response.writeHead(503).end();
    else if (request.headers.range === undefined) {
      response.writeHead(200, { etag: '"1"', "content-length": FILE.length });
      response.write(FILE.subarray(0, 1000), () => setTimeout(() => response.destroy(), 30));
    } else {
      response.writeHead(206, { etag: '"1"', "content-range": `bytes 1000-${FILE.length - 1}/${FILE.length}` });
      response.end(FILE.subarray(1000));
    }
  });
  await failure(download(url, path));
  down = true;
  expect(((await failure(download(url, path))) as Error).message).toContain("503");
  down = false;
  expect(await download(url, path)).toMatchObject({ resumedFrom: 1000, sha256: sha256(FILE) });
});

test("content that is found wrong never gets the name, and is not gone on with", async () => {
  const url = await fileServer({ file: () => Buffer.from("<!doctype html>") });
  const wrong = new FormatError("weights", "a web page");
  expect(await failure(download(url, path, { check: () => Promise.reject(wrong) }))).toBe(wrong);
  expect(existsSync(path) || existsSync(`${path}.part`) || existsSync(`${path}.part.json`)).toBe(false);
});

test("a file that is there stays as it is until its successor is good", async () => {
  const url = await fileServer();
  await download(url, path);
  writeFileSync(path, "the old one");
  await failure(download(url, path, { check: () => Promise.reject(new FormatError("weights", "no")) }));
  expect(readFileSync(path, "utf8")).toBe("the old one");
});

test("a refused connection is said with the address to fetch by hand", async () => {
  const url = await fileServer();
  server!.close();
  const error = await failure(download(url, path));
  expect(error).toBeInstanceOf(NetworkError);
  expect((error as NetworkError).message).toMatch(/refused|cut/);
  expect((error as NetworkError).hint).toContain(`fetch it by hand from ${url}`);
});

test("a name that does not exist reads as being offline", async () => {
  const error = await failure(download("http://nowhere.invalid/weights.pth", path));
  expect(error).toBeInstanceOf(NetworkError);
  expect((error as NetworkError).message).toContain("offline");
});

test("redirects are followed; where to is told", async () => {
  const url = await serve((request, response) => {
    if (request.url === "/weights.pth") response.writeHead(302, { location: "/moved/here" }).end();
    else response.writeHead(200, { etag: '"1"' }).end(FILE);
  });
  const result = await download(url, path);
  expect(result.url).toBe(url.replace("/weights.pth", "/moved/here"));
  expect(result.sha256).toBe(sha256(FILE));
});

test("redirects in a circle end", async () => {
  const url = await serve((_, response) => response.writeHead(302, { location: "/weights.pth" }).end());
  expect(await failure(download(url, path))).toBeInstanceOf(NetworkError);
});

test("a length that promises more than comes is an error, and nothing gets the name", async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-length": FILE.length + 5000, etag: '"1"' });
    response.write(FILE, () => setTimeout(() => response.destroy(), 30));
  });
  expect(await failure(download(url, path))).toBeInstanceOf(NetworkError);
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(`${path}.part`).length).toBe(FILE.length);
});

test("a length that promises less cuts the file, which its check then finds out", async () => {
  const url = await serve((_, response) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n${"x".repeat(500)}`);
  });
  const check = async (part: string) => {
    if (readFileSync(part).length < 500) throw new FormatError("weights", "cut off");
  };
  await failure(download(url, path, { check }));
  expect(existsSync(path)).toBe(false);
});

test("a server that falls silent is given up, before and in the middle of the body", async () => {
  const before = await serve(() => undefined);
  const error = await failure(download(before, path, { stallTimeoutMs: 150 }));
  expect((error as NetworkError).message).toContain("nothing came");
  server!.closeAllConnections();
  server!.close();
  const within = await serve((_, response) => {
    response.writeHead(200, { "content-length": FILE.length, etag: '"1"' });
    response.write(FILE.subarray(0, 1000));
  });
  expect(((await failure(download(within, path, { stallTimeoutMs: 150 }))) as NetworkError).code).toBe("network");
  expect(readFileSync(`${path}.part`).length).toBe(1000);
});

test("an abort keeps the part", async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-length": FILE.length, etag: '"1"' });
    response.write(FILE.subarray(0, 1000));
  });
  const stop = new AbortController();
  const onProgress = ({ received }: DownloadProgress) => {
    if (received === 1000) stop.abort();
  };
  expect(await failure(download(url, path, { signal: stop.signal, onProgress }))).toBeInstanceOf(AbortedError);
  expect(readFileSync(`${path}.part`).length).toBe(1000);
});

test("only http and https are addresses", async () => {
  for (const url of ["file:///etc/passwd", "weights.pth", ""])
    expect(await failure(download(url, path))).toBeInstanceOf(UsageError);
});

test("a folder that cannot be made is an error of the file system, not of the network", async () => {
  writeFileSync(join(folder, "cache"), "in the way");
  const error = await failure(download(await fileServer(), path));
  expect(error).toMatchObject({ code: "file" });
});
