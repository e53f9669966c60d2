// saccade pull against a server on this machine, with weights of the real shapes.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { writeSafetensors } from "../../src/weights/safetensors.ts";
import { cli } from "./fake-terminal.ts";
import { requireGolden, temporaryFolder } from "./mini-model.ts";

const NAME = "sparseformer_v1_tiny";
const folder = temporaryFolder();
let cache: string;
let weights: Uint8Array;
let mini: Uint8Array;
let server: Server;
let base: string;
let cutAfter: number | undefined;

beforeAll(async () => {
  weights = writeSafetensors(requireGolden(NAME).weights);
  mini = writeSafetensors(requireGolden("sparseformer_v1_mini_64x64").weights);
  server = createServer((request, response) => {
    const body = { "/weights": weights, "/mini": mini, "/page": Buffer.from("<!doctype html><p>Sign in") }[
      request.url ?? ""
    ];
    if (request.url === "/endless") {
      response.writeHead(200, { etag: '"1"', "content-length": weights.length }).write("x".repeat(1000));
      return;
    }
    if (body === undefined) {
      response.writeHead(404).end();
      return;
    }
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      etag: '"1"',
      "content-length": body.length - start,
      ...(start > 0 ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
    });
    if (cutAfter === undefined) response.end(body.subarray(start));
    else response.write(body.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 50));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let tests = 0;
beforeEach(() => {
  cache = join(folder, `cache-${tests++}`);
  process.env.SACCADE_CACHE = cache;
  cutAfter = undefined;
});

const pulled = () => join(cache, `${NAME}.pth`);
const inCache = () => (existsSync(cache) ? readdirSync(cache) : []);

test("cut off, continued, checked, listed, and then known by its name", async () => {
  cutAfter = 1_000_000;
  const cut = await cli(["pull", NAME, "--from", `${base}/weights`]);
  expect(cut.exitCode).toBe(1);
  expect(cut.notes.join("\n")).toContain("the connection was cut");
  expect(existsSync(pulled())).toBe(false);

  cutAfter = undefined;
  const { exitCode, stdout } = await cli(["pull", NAME, "--from", `${base}/weights`]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("1.00 MB of them from an earlier attempt");
  expect(stdout).toContain(createHash("sha256").update(weights).digest("hex"));
  expect(inCache()).toEqual([`${NAME}.pth`]);
  expect(readFileSync(pulled()).equals(weights)).toBe(true);

  const again = await cli(["pull", NAME, "--from", `${base}/nowhere`]);
  expect(again.exitCode).toBe(0);
  expect(again.stdout).toContain("is here already");

  const models = JSON.parse((await cli(["models", "--json"])).stdout);
  expect(models.find(({ name }: { name: string }) => name === NAME).weights).toBe("pulled");
  const inspected = await cli(["inspect", NAME]);
  expect(inspected.stdout).toContain(`fits     ${NAME}`);
});

test("a web page in place of the file never counts as pulled", async () => {
  const { exitCode, notes } = await cli(["pull", NAME, "--from", `${base}/page`]);
  expect(exitCode).toBe(1);
  expect(notes.join("\n")).toContain("a web page");
  expect(inCache()).toEqual([]);
});

test("nor do the weights of another model", async () => {
  const { exitCode, notes } = await cli(["pull", NAME, "--from", `${base}/mini`]);
  expect(exitCode).toBe(1);
  expect(notes.join("\n")).toContain(`the weights do not fit ${NAME}`);
  expect(inCache()).toEqual([]);
});

test("an address where nothing is says what to do by hand", async () => {
  const { exitCode, notes } = await cli(["pull", NAME, "--from", `${base}/nowhere`]);
  expect(exitCode).toBe(1);
  expect(notes.join("\n")).toContain("404");
  expect(notes.join("\n")).toContain(`put it at ${pulled()}`);
});

test("Ctrl-C keeps what has arrived and says so", async () => {
  const stop = new AbortController();
  const watch = setInterval(() => {
    if (existsSync(`${pulled()}.part`)) stop.abort();
  }, 5);
  const { exitCode, notes } = await cli(["pull", NAME, "--from", `${base}/endless`], { signal: stop.signal });
  clearInterval(watch);
  expect(exitCode).toBe(130);
  expect(notes.join("\n")).toContain("what has arrived is kept");
  expect(inCache()).toEqual([`${NAME}.pth.part`, `${NAME}.pth.part.json`]);
});

test.each([
  [["pull"], 2, "missing required argument"],
  [["pull", "sparseformer_v9"], 1, "model not found: sparseformer_v9"],
  [["pull", NAME, "sparseformer_v1_base", "--from", "http://127.0.0.1:1/x"], 2, "one model's file"],
  [["pull", NAME, "--from", "ftp://example.org/x"], 2, "not an address"],
  [["pull", NAME, "--from", "http://127.0.0.1:1/x"], 1, "cannot download"],
] as [string[], number, string][])("%j: exit code %i", async (args, exitCode, message) => {
  const run = await cli(args);
  expect(run.notes.join("\n")).toContain(message);
  expect(run.exitCode).toBe(exitCode);
});
