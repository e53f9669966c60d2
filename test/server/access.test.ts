// Who may ask, and what a server reaches: HTTPS, other origins' pages, addresses of pictures, the page at "/".
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { get } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pageListener } from "../../src/platform/node/page-server.ts";
import { PASTORAL, temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { fileBytes, post, runServer, type TestServer } from "./running.ts";

const TLS = resolve(import.meta.dirname, "tls");
const folder = temporaryFolder();
const picture = fileBytes(PASTORAL);
let pictures: Server;
let port: number;
let server: TestServer;
const asked: string[] = [];
beforeAll(async () => {
  pictures = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.url === "/a.jpg") response.end(picture);
    else if (request.url === "/large") response.end(Buffer.alloc(2 ** 20 + 1));
    else if (request.url === "/elsewhere") response.writeHead(302, { location: "/a.jpg" }).end();
    else if (request.url === "/broken") {
      response.writeHead(200, { "content-length": "1000" });
      response.write("x", () => response.destroy());
    } else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => pictures.listen(0, "127.0.0.1", listening));
  port = (pictures.address() as AddressInfo).port;
  mkdirSync(join(folder, "page"));
  writeFileSync(join(folder, "page", "index.html"), "<!doctype html><title>the page</title>");
  const flags = { corsOrigins: "https://a.example", fetchHosts: `127.0.0.1:${port}`, maxBodyBytes: String(2 ** 20) };
  const vit = await writeVit(join(folder, "vit"));
  server = await runServer(
    [`vit=${vit}`],
    { ...flags, apiOnly: false, rateLimit: "1000" },
    pageListener(join(folder, "page")),
  );
}, 60_000);
afterAll(async () => {
  await server.stop();
  pictures.close();
});

describe("addresses of pictures", () => {
  async function askFor(...addresses: string[]) {
    const body = JSON.stringify(addresses.length === 1 ? { image: addresses[0] } : { images: addresses });
    const response = await server.ask("/v1/classify", post(body, { "content-type": "application/json" }));
    const { answers, error } = (await response.json()) as {
      answers?: unknown[];
      error?: { code: string; message: string };
    };
    return { status: response.status, code: error?.code, message: error?.message, answers: answers?.length };
  }
  const at = (path: string) => `http://127.0.0.1:${port}${path}`;

  test("are fetched from hosts that are listed", async () => {
    expect(await askFor(at("/a.jpg"))).toMatchObject({ status: 200, answers: 1 });
    expect(await askFor(at("/a.jpg"), at("/a.jpg"))).toMatchObject({ status: 200, answers: 2 });
  });

  test("and from no other, by whatever name", async () => {
    asked.length = 0;
    const others = [
      ...["http://127.0.0.1/a.jpg", `http://localhost:${port}/a.jpg`, `http://[::1]:${port}/a.jpg`],
      ...[`http://me@127.0.0.1:${port}/a.jpg`, `http://127.0.0.1:${port}@evil.example/a.jpg`],
      ...["http://169.254.169.254/latest", "https://127.0.0.1.evil.example/", "http://"],
    ];
    for (const address of others) expect(await askFor(address), address).toMatchObject({ status: 400, code: "usage" });
    expect(await askFor("file:///etc/passwd")).toMatchObject({ status: 400, code: "usage" });
    expect(asked).toEqual([]);
  });

  test("that lead elsewhere, are too large, or are nothing are said so, within bounds", async () => {
    asked.length = 0;
    expect(await askFor(at("/elsewhere"))).toMatchObject({
      status: 424,
      message: expect.stringMatching(/sends elsewhere/),
    });
    expect(asked).toEqual(["/elsewhere"]);
    expect(await askFor(at("/large"))).toMatchObject({ status: 413, code: "limit" });
    expect(await askFor(at("/none"))).toMatchObject({ status: 424, code: "not_fetched" });
    expect(await askFor(at("/broken"))).toMatchObject({
      status: 424,
      message: expect.stringMatching(/did not send all/),
    });
    expect(await askFor(at("/a.jpg"), at("/none"))).toMatchObject({ status: 424 });
  });
});

test("who is refused while still sending hears why, and may ask again on the same connection", async () => {
  const { hostname, port: own } = new URL(server.url);
  const socket = connect(Number(own), hostname);
  let heard = "";
  socket.on("data", (chunk) => {
    heard += chunk;
  });
  socket.write("POST /v1/classify?model=none HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000\r\n\r\n");
  socket.write("x".repeat(1000));
  await expect.poll(() => heard).toMatch(/^HTTP\/1.1 404 /);
  await new Promise((wake) => setTimeout(wake, 700));
  socket.write("x".repeat(1000));
  socket.write("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  await expect.poll(() => heard).toMatch(/HTTP\/1.1 200 /);
  socket.destroy();
});

describe("pages of other origins", () => {
  const origin = (name: string, init: RequestInit = {}) =>
    server.ask("/v1/models", { ...init, headers: { origin: name, ...init.headers } });

  test("read answers, and failures, where theirs is listed", async () => {
    const listed = await origin("https://a.example");
    expect(listed.headers.get("access-control-allow-origin")).toBe("https://a.example");
    expect((await origin("https://b.example")).headers.get("access-control-allow-origin")).toBeNull();
    const failure = await server.ask(
      "/v1/classify",
      post("x", { origin: "https://a.example", "content-type": "text/plain" }),
    );
    expect([failure.status, failure.headers.get("access-control-allow-origin")]).toEqual([415, "https://a.example"]);
    expect(failure.headers.get("access-control-expose-headers")).toContain("Retry-After");
  });

  test("ask beforehand", async () => {
    const headers = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" };
    const preflight = await origin("https://a.example", { method: "OPTIONS", headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(
      (await origin("https://b.example", { method: "OPTIONS", headers })).headers.get("access-control-allow-origin"),
    ).toBeNull();
  });
});

test("the page is at /, under a policy of its own, and leaves all other addresses alone", async () => {
  const page = await server.ask("/");
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("the page")]);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect((await server.ask("/nothing")).status).toBe(404);
});

test("HTTPS by files; a key that is another's is refused at once", async () => {
  const cert = join(TLS, "cert.pem");
  const secure = await runServer([], { tlsCert: cert, tlsKey: join(TLS, "key.pem") });
  expect(secure.url).toMatch(/^https:/);
  const status = await new Promise<number>((answered, failed) => {
    get(new URL("/readyz", secure.url), { ca: readFileSync(cert), agent: false }, (response) => {
      response.resume();
      answered(response.statusCode ?? 0);
    }).on("error", failed);
  });
  expect(status).toBe(200);
  await secure.stop();
  const wrong = runServer([], { tlsCert: cert, tlsKey: cert });
  await expect(wrong).rejects.toThrow(/the certificate or its key is not usable/);
});
