// What every queue promises, on real servers: a shard is one worker's, a silent one loses it, what is done is gone, and a server that comes back is gone on
// with.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { postgresServer, redisServer } from "../../../../test/jobs/servers.ts";
import type { Lease, ShardQueue } from "../../../jobs/queue.ts";
import { openShardQueue } from "./open-queue.ts";

const LEASE_MS = 2000;

describe.each([
  ["PostgreSQL", await postgresServer()],
  ["Redis", await redisServer()],
] as const)("%s", (kind, server) => {
  const folder = mkdtempSync(join(tmpdir(), "saccade-queues-"));
  for (const name of ["parts", "failed"]) mkdirSync(join(folder, name));
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await server?.stop();
  });

  const open = (plan: string, worker = "w"): Promise<ShardQueue> =>
    openShardQueue(server?.address, { folder, plan, shards: 40, worker, leaseMs: LEASE_MS });
  const within = async (queue: ShardQueue, milliseconds: number): Promise<Lease | undefined> => {
    for (const end = performance.now() + milliseconds; performance.now() < end; await pause(100)) {
      const lease = await queue.take().catch(() => undefined);
      if (lease !== undefined) return lease;
    }
    return undefined;
  };

  test.skipIf(server === undefined)("each shard goes to one of many, once, however often it is put in", async () => {
    const queues = await Promise.all(Array.from({ length: 4 }, (_, i) => open("a", `w${i}`)));
    const shards = Array.from({ length: 40 }, (_, shard) => shard);
    await Promise.all(queues.map((queue) => queue.fill(shards)));
    expect(queues[0]!.kind).toBe(kind);
    expect(await queues[0]!.outstanding()).toBe(40);
    const taken = await Promise.all(
      queues.map(async (queue) => {
        const own: number[] = [];
        for (let lease = await queue.take(); lease !== undefined; lease = await queue.take()) {
          own.push(lease.shard);
          await lease.complete();
        }
        return own;
      }),
    );
    expect(taken.flat().sort((a, b) => a - b)).toEqual(shards);
    expect(await queues[1]!.outstanding()).toBe(0);
    await queues[2]!.fill([7]);
    expect((await queues[3]!.take())?.shard).toBe(7);
    await Promise.all(queues.map((queue) => queue[Symbol.asyncDispose]()));
  });

  test.skipIf(server === undefined)(
    "signs of life keep a shard, silence loses it, and who lost it is told",
    async () => {
      const [a, b] = [await open("b", "a"), await open("b", "b")];
      await a.fill([3]);
      const lease = (await a.take())!;
      for (let i = 0; i < 8; i++) {
        await pause(LEASE_MS / 4);
        expect(await lease.renew()).toBe(true);
        expect(await b.take()).toBeUndefined();
      }
      const other = await within(b, 6 * LEASE_MS);
      expect(other?.shard).toBe(3);
      expect(await lease.renew()).toBe(false);
      expect(await other!.renew()).toBe(true);
      await other!.release();
      const again = await within(a, LEASE_MS);
      expect(again?.shard).toBe(3);
      await again!.complete();
      expect(await b.outstanding()).toBe(0);
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  );

  test.skipIf(server === undefined)("a server that died and came back is gone on with", async () => {
    const queue = await open("c");
    await queue.fill([1, 2]);
    const lease = (await queue.take())!;
    await server!.kill();
    await server!.start();
    const second = await within(queue, 15_000);
    expect(second?.shard).not.toBe(lease.shard);
    expect(await lease.renew()).toBe(true);
    await lease.complete();
    await second!.complete();
    expect(await queue.outstanding()).toBe(0);
    await queue[Symbol.asyncDispose]();
  });
});

test("what is no queue is refused, without a word of what was in its address", async () => {
  const options = { folder: ".", plan: "p", shards: 1, worker: "w", leaseMs: 1 };
  await expect(openShardQueue("mysql://me:secret@db", options)).rejects.toThrow(/^(?!.*secret)a queue is/);
});
