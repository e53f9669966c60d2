// saccade page: what it serves to whom, with which headers, and what it says when it cannot.
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { writePage } from "../../src/platform/node/page-files.ts";
import { type PageServer, servePage } from "../../src/platform/node/page-server.ts";
import { cli, fakeTerminal } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A request as it is written: `fetch` would tidy paths up and set headers of its own. */
function ask(url: string, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, headers, method, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
    });
    asked.on("error", reject).end();
  });
}

describe("serving a folder", () => {
  const folder = temporaryFolder();
  let server: PageServer;
  beforeAll(async () => {
    mkdirSync(join(folder, "page/assets"), { recursive: true });
    writeFileSync(join(folder, "secret.txt"), "secret");
    writeFileSync(join(folder, "page/index.html"), "<!doctype html><title>Page</title>");
    writeFileSync(join(folder, "page/assets/index-Ab_c-123.js"), "let a = 1;\n".repeat(1000));
    writeFileSync(join(folder, "page/assets/engine-AAAABBBB.wasm"), Buffer.from([0, 97, 115, 109]));
    server = await servePage({ folder: join(folder, "page"), port: 0 });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("the page is isolated, asks nobody else, and is asked for anew when it changes", async () => {
    const { status, headers, body } = await ask(server.url, "/");
    expect(status).toBe(200);
    expect(body.toString()).toContain("<title>Page</title>");
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "x-content-type-options": "nosniff",
      "cache-control": "no-cache",
    });
    expect(headers["content-security-policy"]).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(headers["content-security-policy"]).not.toMatch(/https?:|unsafe-inline|'unsafe-eval'/);
    const again = await ask(server.url, "/index.html", { "If-None-Match": String(headers.etag) });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const packed = { "Accept-Encoding": "br" };
    await ask(server.url, "/", packed);
    writeFileSync(join(folder, "page/index.html"), "<!doctype html><title>Newer page</title>");
    const newer = await ask(server.url, "/", { ...packed, "If-None-Match": String(headers.etag) });
    expect(brotliDecompressSync(newer.body).toString()).toContain("Newer");
    writeFileSync(join(folder, "page/index.html"), "<!doctype html><title>Page</title>");
  });

  test("what is named by its content is kept for good, compressed where that is understood", async () => {
    const path = "/assets/index-Ab_c-123.js";
    const plain = await ask(server.url, path);
    expect(plain.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    expect(plain.headers["cache-control"]).toContain("immutable");
    const packed = await ask(server.url, path, { "Accept-Encoding": "gzip, deflate, br" });
    expect(packed.headers["content-encoding"]).toBe("br");
    const refused = await ask(server.url, path, { "Accept-Encoding": "gzip, br;q=0" });
    expect(refused.headers["content-encoding"]).toBeUndefined();
    const weighed = await ask(server.url, path, { "Accept-Encoding": "gzip;q=0.8,br;q=0.5" });
    expect(weighed.headers["content-encoding"]).toBe("br");
    expect(packed.body.length).toBeLessThan(plain.body.length / 10);
    expect(brotliDecompressSync(packed.body)).toEqual(plain.body);
    expect((await ask(server.url, "/assets/engine-AAAABBBB.wasm")).headers["content-type"]).toBe("application/wasm");
  });

  test.each([
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/assets/../../secret.txt",
    "/assets\\..\\..\\secret.txt",
    "/%",
    "//secret.txt",
    "/assets",
    "/nowhere",
  ])("%s is nowhere", async (path) => {
    const { status, body } = await ask(server.url, path);
    expect([status, body.toString()]).toEqual([404, "There is nothing at this address.\n"]);
  });

  test("it is only read, and by this machine's names alone", async () => {
    expect((await ask(server.url, "/", {}, "POST")).status).toBe(405);
    const head = await ask(server.url, "/", {}, "HEAD");
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect((await ask(server.url, "/", { Host: "evil.example:7222" })).status).toBe(421);
    expect((await ask(server.url, "/", { Host: "localhost:7222" })).status).toBe(200);
  });
});

test("serves the built page until it is stopped", async () => {
  const stopping = new AbortController();
  const { terminal, said } = fakeTerminal({ signal: stopping.signal });
  const running = runCli(["page", "--port", "0"], terminal);
  await expect.poll(() => said().stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/);
  const { status, body } = await ask(said().stdout.trim(), "/");
  expect([status, body.toString()]).toEqual([200, expect.stringContaining("<title>Saccade</title>")]);
  stopping.abort();
  expect(await running).toBe(0);
});

test("the engine and the bundled model are served, and written, from where the installation has them", async () => {
  const out = join(temporaryFolder(), "page");
  expect((await cli(["page", "--out", out])).exitCode).toBe(0);
  const assets = readdirSync(join(out, "assets"));
  const sizesOf = (pattern: RegExp) =>
    assets.filter((name) => pattern.test(name)).map((name) => statSync(join(out, "assets", name)).size);
  expect(sizesOf(/^ort-wasm-simd-threaded-.*\.wasm$/)[0]).toBeGreaterThan(1e7);
  const sizes = ["everyday", "photographs"].map((name) => statSync(`models/${name}/model.safetensors`).size);
  expect(new Set(sizesOf(/^model-.*\.safetensors$/))).toEqual(new Set(sizes));
  expect(readdirSync("dist/page/assets").filter((name) => /wasm$|safetensors$/.test(name))).toEqual([]);
  await using server = await servePage({ folder: "dist/page", port: 0 });
  const engine = assets.find((name) => name.endsWith(".wasm"))!;
  expect((await ask(server.url, `/assets/${engine}`, {}, "HEAD")).headers["content-type"]).toBe("application/wasm");
  const model = assets.find((name) => name.endsWith(".safetensors"))!;
  expect((await ask(server.url, `/assets/${model}`, {}, "HEAD")).headers["cache-control"]).toContain("immutable");
  expect((await ask(server.url, "/outside.json")).status).toBe(404);
  expect(await cli(["page", "--out", out])).toMatchObject({ exitCode: 2 });
});

test("a port that is taken, and one that is none", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const taken = await cli(["page", "--port", String(port)]);
  expect(taken).toMatchObject({ exitCode: 1, stdout: "" });
  expect(taken.notes[0]).toMatch(/port \d+ is taken[\s\S]*--port 0/);
  other.close();
  for (const wrong of ["70000", "-1", "http", "1.5"])
    expect(await cli(["page", "--port", wrong])).toMatchObject({ exitCode: 2, stdout: "" });
});

test("a folder without a page is neither served nor written, and a page is not written over a file", async () => {
  const folder = temporaryFolder();
  await expect(servePage({ folder, port: 0 })).rejects.toThrow("built page");
  await expect(writePage(folder, join(folder, "out"))).rejects.toThrow("built page");
  writeFileSync(join(folder, "file"), "");
  const refused = await cli(["page", "--out", join(folder, "file")]);
  expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
  expect(refused.notes[0]).toContain("is a file, not a folder");
});
