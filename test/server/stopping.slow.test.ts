// Servers that are told to stop while they are asked: every request that one of them took is answered. How often, SACCADE_STOPS says (50 were shown).
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { PASTORAL, temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { BalancedLoad } from "./balanced-load.ts";
import { fileBytes, post, runServer } from "./running.ts";
import { startServe } from "./serve-process.ts";

const STOPS = Number(process.env.SACCADE_STOPS ?? 12);
const folder = temporaryFolder();
const picture = fileBytes(PASTORAL);
let vit: string;
beforeAll(async () => {
  vit = await writeVit(join(folder, "vit"));
}, 60_000);

const pause = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds));

test(`${STOPS} stops, one of two servers at a time: nothing is lost`, async () => {
  const start = () => runServer([`toy=${vit}`], { graceMs: "2000", quiet: true });
  const load = new BalancedLoad(picture, 8);
  let [serving, next] = [await start(), await start()];
  load.add(serving.url);
  load.add(next.url);
  for (let i = 0; i < STOPS; i++) {
    await pause(100);
    await serving.stop();
    serving = next;
    next = await start();
    load.add(next.url);
  }
  const { answered, lost } = await load.stop();
  await Promise.all([serving.stop(), next.stop()]);
  expect(lost).toEqual({});
  expect(Object.keys(answered)).toEqual(["200"]);
  expect(answered[200]).toBeGreaterThan(100);
});

test("a model that is loaded anew under load, again and again, loses nothing; unloaded, it answers what waits", async () => {
  const server = await runServer([`toy=${vit}`], { allowLoad: true, maxBatch: "1", quiet: true });
  const load = new BalancedLoad(picture, 4);
  load.add(server.url);
  for (let i = 0; i < 8; i++)
    expect((await server.ask("/v2/repository/models/toy/load", { method: "POST" })).status).toBe(200);
  const { answered, lost } = await load.stop();
  expect([lost, Object.keys(answered)]).toEqual([{}, ["200"]]);
  const asked = Array.from({ length: 12 }, () => server.ask("/v1/classify", post(picture)));
  const isWaiting = async () =>
    /saccade_queue_waiting\{[^}]*\} [1-9]/.test(await (await server.ask("/metrics")).text());
  while (!(await isWaiting())) if ((await Promise.race([Promise.all(asked), pause(1)])) !== undefined) break;
  const unloaded = server.ask("/v2/repository/models/toy/unload", { method: "POST" });
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
  expect(statuses).toContain(200);
  expect((await unloaded).status).toBe(200);
  await server.stop();
});

test("processes that get SIGTERM: nothing is lost, and they end by themselves with code 0", async () => {
  const start = () => startServe([`toy=${vit}`, "--quiet", "--threads", "1", "--sessions", "1", "--grace-ms", "2000"]);
  const load = new BalancedLoad(picture, 4);
  let [serving, next] = await Promise.all([start(), start()]);
  load.add(serving.url);
  load.add(next.url);
  for (let i = 0; i < 3; i++) {
    await pause(300);
    serving.child.kill("SIGTERM");
    expect(await serving.ended, serving.log()).toBe(0);
    serving = next;
    next = await start();
    load.add(next.url);
  }
  const { answered, lost } = await load.stop();
  for (const { child } of [serving, next]) child.kill("SIGTERM");
  expect(await Promise.all([serving.ended, next.ended])).toEqual([0, 0]);
  expect(lost).toEqual({});
  expect(Object.keys(answered)).toEqual(["200"]);
});
