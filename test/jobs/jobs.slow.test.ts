// Batch jobs with what goes wrong: workers killed, a picture that ends the process, a database that is restarted, a worker cut off from it, a full disk, a
// store that does not answer. Whatever happens, the merged file is that of one undisturbed process. bench/jobs-crashes.ts does more kills.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeJobsHost } from "../../src/platform/node/jobs-host.ts";
import { statusOfPlan } from "../../src/workflows/jobs/after-work.ts";
import { planJobs } from "../../src/workflows/jobs/plan-jobs.ts";
import { temporaryFolder, writeVit } from "../cli/mini-model.ts";
import {
  freshCopy,
  kill,
  type Outcome,
  outcomeOf,
  runCommand,
  startWorker,
  workUnderFire,
  writeList,
} from "./crashes.ts";
import { pictureBytes, pictureName, writePictures } from "./pictures.ts";
import { postgresServer, redisServer } from "./servers.ts";

const folder = temporaryFolder();
const ROWS = 480;
let plan: string;
let alone: Outcome;
let copies = 0;
const copy = () => freshCopy(plan, join(folder, `copy-${++copies}`));
const outcome = (of: string) => outcomeOf(of, join(folder, `merged-${copies}.parquet`));
const LEASE = ["--lease", "3"];

beforeAll(async () => {
  const model = await writeVit(join(folder, "vit"));
  const pictures = await writePictures(join(folder, "pictures"), 24, 13, 512);
  const names = Array.from({ length: 24 }, (_, i) => join(pictures, pictureName(i)));
  const list = writeList(join(folder, "list.txt"), names, ROWS);
  plan = join(folder, "plan");
  runCommand(["plan", list, "--model", model, "--shard", "24", "--out", plan]);
  runCommand(["work", plan, "--threads", "1", "--sessions", "1"]);
  alone = await outcome(plan);
}, 240_000);

test("one undisturbed process answers every row once", () => {
  expect(alone).toMatchObject({ rows: ROWS, missing: 0, doubled: 0, faults: 0 });
});

const [postgres, redis] = [await postgresServer(), await redisServer()];
afterAll(async () => {
  await postgres?.stop();
  await redis?.stop();
});

describe.each([
  ["a shared folder", undefined, true],
  ["PostgreSQL", postgres?.address, postgres !== undefined],
  ["Redis", redis?.address, redis !== undefined],
] as const)("with %s", (_, address, isThere) => {
  const queue = address === undefined ? [] : ["--queue", address];

  test.skipIf(!isThere)("workers that are killed again and again lose and double nothing", async () => {
    const under = copy();
    const options = [...LEASE, ...queue];
    const fire = { plan: under, workers: 4, kills: 6, options, seed: 5, timeoutMs: 800_000 };
    expect((await workUnderFire(fire)).kills).toBe(6);
    expect(await outcome(under)).toEqual(alone);
  });
});

describe("a database", () => {
  test.skipIf(postgres === undefined && redis === undefined)(
    "that dies in the middle and comes back is gone on with",
    async () => {
      for (const server of [postgres, redis]) {
        if (server === undefined) continue;
        const under = copy();
        const workers = [0, 1].map(() => startWorker(under, [...LEASE, "--queue", server.address]));
        while ((await statusOfPlan(nodeJobsHost, under)).doneShards < 2) await pause(50);
        await server.kill();
        await pause(4000);
        await server.start();
        expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0]);
        expect(await outcome(under)).toEqual(alone);
      }
    },
  );

  test("that is not there ends a worker after its patience, with what to do and without its password", async () => {
    const worker = startWorker(copy(), ["--queue", "postgres://me:secret@127.0.0.1:9/x", "--patience", "1"]);
    expect(await worker.ended).toBe(1);
    expect(worker.complaints()).toMatch(/the queue in PostgreSQL does not answer/);
    expect(worker.complaints()).not.toMatch(/secret|at .*\.ts/);
  });
});

const canSeparate =
  postgres !== undefined &&
  succeeds("ip", ["netns", "add", "saccade-probe"]) &&
  succeeds("ip", ["netns", "del", "saccade-probe"]);

test.skipIf(!canSeparate)(
  "a worker on a host of its own that is cut off for longer than its lease loses its shard, and nothing else",
  async () => {
    const server = (await postgresServer("0.0.0.0"))!;
    const [name, outside, inside] = [
      `saccade${process.pid}`,
      `sco${process.pid % 10_000}`,
      `sci${process.pid % 10_000}`,
    ];
    const ip = (...args: string[]) => execFileSync("ip", args);
    ip("netns", "add", name);
    try {
      ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name);
      ip("addr", "add", "10.213.7.1/30", "dev", outside);
      ip("link", "set", outside, "up");
      ip("-n", name, "addr", "add", "10.213.7.2/30", "dev", inside);
      ip("-n", name, "link", "set", inside, "up");
      ip("-n", name, "link", "set", "lo", "up");
      const under = copy();
      const far = startWorker(
        under,
        [...LEASE, "--queue", `postgres://saccade@10.213.7.1:${server.port}/postgres`],
        ["ip", "netns", "exec", name],
      );
      while ((await statusOfPlan(nodeJobsHost, under)).workers.every(({ shard }) => shard === undefined)) {
        if (far.child.exitCode !== null) throw new Error(`the worker ended: ${far.complaints()}`);
        await pause(50);
      }
      ip("link", "set", outside, "down");
      const near = startWorker(under, [...LEASE, "--queue", server.address]);
      await pause(8000);
      ip("link", "set", outside, "up");
      expect(await near.ended).toBe(0);
      expect(await far.ended).toBe(0);
      expect(await outcome(under)).toEqual(alone);
    } finally {
      execFileSync("ip", ["netns", "del", name]);
      await server.stop();
    }
  },
);

const canMount = process.getuid?.() === 0;

test.skipIf(!canMount)("a full disk ends workers with a word, and what was done stays: the next goes on", async () => {
  const small = join(folder, "small");
  mkdirSync(small);
  const mounted = succeeds("mount", ["-t", "tmpfs", "-o", "size=160k", "tmpfs", small]);
  if (!mounted) return;
  try {
    const under = freshCopy(plan, join(small, "plan"));
    const ballast = join(small, "ballast");
    const worker = startWorker(under, [...LEASE, "--patience", "2"]);
    while ((await statusOfPlan(nodeJobsHost, under)).doneShards < 2) await pause(20);
    fill(ballast);
    expect(await worker.ended).toBe(1);
    expect(worker.complaints()).toMatch(/the disk is full/);
    expect((await statusOfPlan(nodeJobsHost, under)).givenUp).toEqual([]);
    rmSync(ballast);
    execFileSync("mount", ["-o", "remount,size=4m", small]);
    expect(await startWorker(under, LEASE).ended).toBe(0);
    expect(await outcome(under)).toEqual(alone);
  } finally {
    execFileSync("umount", [small]);
  }
});

describe("a store of objects", () => {
  const objects = new Map<string, Uint8Array>();
  const deadly = "sets/p00005.png";
  let isDeadly = false;
  let failing = 0;
  let server: Server;

  beforeAll(async () => {
    for (let i = 0; i < 20; i++) objects.set(`sets/${pictureName(i)}`, await pictureBytes(i));
    server = storeOf(objects, {
      onGet(key, port) {
        if (isDeadly && key === deadly) killClient(port);
        if (failing > 0) {
          failing--;
          return 503;
        }
        return undefined;
      },
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    Object.assign(process.env, { AWS_REGION: "eu-north-1", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" });
  });
  afterAll(() => server.close());

  // Not by a command: the store is served by this very process, which must not wait for one.
  const planned = async (name: string) => {
    const made = join(folder, name);
    const options = { folder: made, task: "classify" as const, model: join(folder, "vit"), shardRows: 10 };
    await planJobs(nodeJobsHost, ["s3://bucket/sets"], options);
    return made;
  };

  test("is read like a folder, also when it does not answer for a while", async () => {
    const made = await planned("store");
    failing = 6;
    expect(await startWorker(made, LEASE).ended).toBe(0);
    expect(await outcome(made)).toMatchObject({ rows: 20, missing: 0 });
    const status = await statusOfPlan(nodeJobsHost, made);
    expect(status.failedRows).toBe(0);
  });

  test("a picture that ends the process is found and put in quarantine, and all others are answered", async () => {
    const made = await planned("deadly");
    isDeadly = true;
    const worker = startWorker(made, LEASE);
    expect(await worker.ended).toBe(0);
    isDeadly = false;
    expect(worker.complaints()).toMatch(/quarantine/);
    expect(await outcome(made)).toMatchObject({ rows: 20, missing: 0, doubled: 0 });
    const rows = readFileSync(join(folder, `merged-${copies}.parquet.jsonl`), "utf8")
      .trim()
      .split("\n");
    const failed = rows.map((line) => JSON.parse(line)).filter(({ error }) => error !== undefined);
    expect(failed.map(({ path, error }) => [path, error.code])).toEqual([
      ["s3://bucket/sets/p00005.png", "quarantined"],
    ]);
    runCommand(["jobs", "retry-failed", made, "--quarantined"]);
    expect(await startWorker(made, LEASE).ended).toBe(0);
    expect((await statusOfPlan(nodeJobsHost, made)).failedRows).toBe(0);
  });
});

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, [...args], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function fill(path: string): void {
  for (let size = 2 ** 17; size >= 512; size = size / 2)
    for (let more = true; more; )
      try {
        writeFileSync(path, new Uint8Array(size), { flag: "a" });
      } catch {
        more = false;
      }
}

/** Ends the process that has a connection from this port. */
function killClient(port: number): void {
  const said = execFileSync("ss", ["-tnp", "state", "established", `( sport = :${port} )`], { encoding: "utf8" });
  const [, pid] = /pid=(\d+)/.exec(said) ?? [];
  if (pid !== undefined) kill(Number(pid));
}

interface StoreHooks {
  /** A status to answer with instead. */
  onGet(key: string, port: number): number | undefined;
}

/** Objects of a page. */
const PAGE = 8;

/** As much of S3 as plans use. */
function storeOf(objects: ReadonlyMap<string, Uint8Array>, { onGet }: StoreHooks): Server {
  const etag = (key: string) => `"${Buffer.from(key).toString("hex")}"`;
  return createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://store");
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ""));
    const object = objects.get(key);
    if (key === "" && url.searchParams.get("list-type") === "2") {
      const prefix = url.searchParams.get("prefix") ?? "";
      const all = [...objects].filter(([name]) => name.startsWith(prefix));
      const from = Number(url.searchParams.get("continuation-token") ?? 0);
      const contents = all.slice(from, from + PAGE);
      const isMore = from + PAGE < all.length;
      const entries = contents.map(
        ([name, bytes]) =>
          `<Contents><Key>${name}</Key><Size>${bytes.length}</Size><ETag>${etag(name)}</ETag></Contents>`,
      );
      response.setHeader("content-type", "application/xml");
      response.end(
        `<?xml version="1.0"?><ListBucketResult><KeyCount>${contents.length}</KeyCount><IsTruncated>${isMore}</IsTruncated><NextContinuationToken>${from + PAGE}</NextContinuationToken>${entries.join("")}</ListBucketResult>`,
      );
      return;
    }
    const refusal = request.method === "GET" ? onGet(key, request.socket.remotePort ?? 0) : undefined;
    if (refusal !== undefined || object === undefined) {
      response.statusCode = refusal ?? 404;
      response.end();
      return;
    }
    response.setHeader("etag", etag(key));
    response.setHeader("content-length", object.length);
    response.end(request.method === "HEAD" ? undefined : object);
  });
}
