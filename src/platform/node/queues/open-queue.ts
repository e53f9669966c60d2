// Which queue an address means: one line each. What speaks to a database is loaded when it is named.
import { UsageError } from "../../../errors.ts";
import type { QueueOptions, ShardQueue } from "../../../jobs/queue.ts";
import { openFolderQueue } from "./folder-queue.ts";

type OpenQueue = (address: string, options: QueueOptions) => Promise<ShardQueue>;

const postgres: OpenQueue = async (...all) => (await import("./postgres-queue.ts")).openPostgresQueue(...all);
const redis: OpenQueue = async (...all) => (await import("./redis-queue.ts")).openRedisQueue(...all);

const QUEUES: ReadonlyMap<string, OpenQueue> = new Map([
  ["folder", (_, options) => openFolderQueue(options)],
  ["postgres", postgres],
  ["postgresql", postgres],
  ["redis", redis],
  ["rediss", redis],
  ["valkey", redis],
]);

/** @throws UsageError, which does not repeat the address: there may be a password in it */
export async function openShardQueue(address: string | undefined, options: QueueOptions): Promise<ShardQueue> {
  const scheme = (address ?? "folder").split("://")[0]!;
  const open = QUEUES.get(scheme);
  if (open !== undefined) return open(address ?? "folder", options);
  throw new UsageError(
    "a queue is folder, postgres://… or redis://…, and this is another address",
    "leave it out for leases in the plan's folder",
  );
}
