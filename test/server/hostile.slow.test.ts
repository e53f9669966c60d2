// What means no good is answered or cut off, and the server goes on; who may ask, how often, and what a full queue says.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PASTORAL, temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { HOSTILE, send } from "./hostile.ts";
import { fileBytes, post, runServer, type TestServer } from "./running.ts";

const folder = temporaryFolder();
const picture = fileBytes(PASTORAL);
let vit: string;
let server: TestServer;
beforeAll(async () => {
  vit = await writeVit(join(folder, "vit"));
  server = await runServer([`toy=${vit}`], { maxBodyBytes: String(3 * 2 ** 20), receiveTimeoutMs: "1000" });
}, 60_000);
afterAll(() => server.stop());

test("every kind of hostile request is answered or cut off, all of them at once, and the server goes on", async () => {
  const answers = await Promise.all(HOSTILE.map(async (one) => ({ ...one, status: await send(server.url, one) })));
  const wrong = answers.filter(({ status, fine }) => !fine.includes(status));
  expect(wrong.map(({ name, status }) => [name, status])).toEqual([]);
  expect((await server.ask("/v1/classify", post(picture))).status).toBe(200);
  expect(server.log.filter(({ level }) => level === "error")).toEqual([]);
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
