// What means no good is answered or cut off, and the server goes on; who may ask, how often, and what a full queue says.
import { existsSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { PASTORAL, temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { HOSTILE, send } from "./hostile.ts";
import { fileBytes, post, runServer, type TestServer } from "./running.ts";
import { residentMebibytes, startServe } from "./serve-process.ts";

const folder = temporaryFolder();
const picture = fileBytes(PASTORAL);
let vit: string;
let server: TestServer;
beforeAll(async () => {
  vit = await writeVit(join(folder, "vit"));
  server = await runServer([`toy=${vit}`], { maxBodyBytes: String(3 * 2 ** 20), receiveTimeoutMs: "8000" });
}, 60_000);
afterAll(() => server.stop());

test("every kind of hostile request is answered or cut off, all of them at once, and the server goes on", async () => {
  const answers = await Promise.all(HOSTILE.map(async (one) => ({ ...one, status: await send(server.url, one) })));
  const wrong = answers.filter(({ status, fine }) => !fine.includes(status));
  expect(wrong.map(({ name, status }) => [name, status])).toEqual([]);
  expect((await server.ask("/v1/classify", post(picture))).status).toBe(200);
  expect(server.log.filter(({ level }) => level === "error")).toEqual([]);
});

const hasProcess = existsSync("/proc/self/status");
if (!hasProcess) console.log("skipped: what a process takes is only known where there is /proc");

test.runIf(hasProcess)(
  "a thousand of them leave a process alive, its memory bounded, and honest requests answered meanwhile",
  async () => {
    const limits = ["--max-body-bytes", String(3 * 2 ** 20), "--receive-timeout-ms", "8000"];
    const serving = await startServe([`toy=${vit}`, "--threads", "1", "--sessions", "1", "--quiet", ...limits]);
    try {
      const honest = async () => (await fetch(new URL("/v1/classify", serving.url), post(picture))).status;
      expect(await honest()).toBe(200);
      const wrong: unknown[] = [];
      const statuses: number[] = [];
      let most = 0;
      const rounds = Math.ceil(1000 / HOSTILE.length);
      let sent = 0;
      // Five of each kind are under way at once.
      await Promise.all(
        HOSTILE.flatMap((one) =>
          Array.from({ length: 5 }, async (_, lane) => {
            for (let round = lane; round < rounds; round += 5) {
              const status = await send(serving.url, one);
              sent++;
              if (!one.fine.includes(status)) wrong.push([one.name, status]);
              if (round % 3 === 0) statuses.push(await honest());
              most = Math.max(most, residentMebibytes(serving));
            }
          }),
        ),
      );
      expect(sent).toBeGreaterThanOrEqual(1000);
      expect(wrong).toEqual([]);
      expect(statuses.filter((status) => status !== 200)).toEqual([]);
      expect(serving.log()).not.toContain('"error"');
      console.log(`${sent} hostile and ${statuses.length} honest requests, at most ${Math.round(most)} MiB`);
      expect(most).toBeLessThan(1000);
    } finally {
      serving.child.kill("SIGTERM");
    }
    expect(await serving.ended).toBe(0);
  },
);

test("who sends slowly keeps nobody out: no place in the queue, no room for bodies", async () => {
  const limits = { maxQueue: "4", maxBodyBytes: String(2 ** 25), receiveTimeoutMs: "600000" };
  const slowly = await runServer([`toy=${vit}`], limits);
  const { hostname, port } = new URL(slowly.url);
  const sockets: Socket[] = [];
  const begin = (length: number, body: Uint8Array) => {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    socket.write(`POST /v1/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n\r\n`);
    socket.write(body);
    sockets.push(socket);
  };
  try {
    for (let i = 0; i < 20; i++) begin(1000, new Uint8Array(1));
    await new Promise((wake) => setTimeout(wake, 200));
    expect((await slowly.ask("/v1/classify", post(picture))).status).toBe(200);
    // As much as all bodies may take together, and none of them ends.
    for (let i = 0; i < 9; i++) begin(2 ** 25, new Uint8Array(2 ** 25 - 4096));
    // A busy machine takes a while to hand so much over; as long as it comes, it has not stalled.
    const answered = async () => expect((await slowly.ask("/v1/classify", post(picture))).status).toBe(200);
    await vi.waitFor(answered, { timeout: 60_000, interval: 500 });
  } finally {
    for (const socket of sockets) socket.destroy();
    await slowly.stop();
  }
});

describe("limits", () => {
  test("bearer tokens are asked for, but for health", async () => {
    const file = join(folder, "tokens.txt");
    writeFileSync(file, "# of the tests\n0123456789abcdef0123\n");
    const guarded = await runServer([`toy=${vit}`], { authFile: file });
    const status = async (path: string, token?: string) =>
      (await guarded.ask(path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })).status;
    expect(await status("/v1/models")).toBe(401);
    expect(await status("/metrics", "0123456789abcdef0124")).toBe(401);
    expect(await status("/v1/models", "0123456789abcdef0123")).toBe(200);
    expect(await status("/livez")).toBe(200);
    await guarded.stop();
  });

  test("a client that asks too often is told when to come again; pages of other origins may not read answers", async () => {
    const limited = await runServer([`toy=${vit}`], { rateLimit: "2" });
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => limited.ask("/v1/models", { headers: { origin: "https://a.org" } })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(statuses.at(-1)).toBe(429);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
    await limited.stop();
  });

  test("a full queue refuses before the picture is sent; what it took is answered; who hangs up leaves it", async () => {
    const small = await runServer([`toy=${vit}`], { maxQueue: "3", maxBatch: "1", graceMs: "0" });
    const many = await Promise.all(
      Array.from({ length: 24 }, async () => {
        const response = await small.ask("/v1/classify", post(picture));
        return { status: response.status, retry: response.headers.get("retry-after") };
      }),
    );
    const refused = many.filter(({ status }) => status === 429);
    expect(many.filter(({ status }) => status === 200).length + refused.length).toBe(24);
    for (const { retry } of refused) expect(retry).toBe("1");
    const gone = new AbortController();
    const left = small.ask("/v1/classify", { ...post(picture), signal: gone.signal }).catch(() => "left");
    gone.abort();
    expect(await left).toBe("left");
    expect((await small.ask("/v1/classify", post(picture))).status).toBe(200);
    expect(await (await small.ask("/metrics")).text()).toMatch(/saccade_queue_waiting\{[^}]*\} 0/);
    await small.stop();
  });

  test("a picture that is too late is not computed", async () => {
    const response = await server.ask("/v1/classify?timeout_ms=1", post(picture));
    expect([200, 504]).toContain(response.status); // decoding alone takes longer, nearly always
  });
});
