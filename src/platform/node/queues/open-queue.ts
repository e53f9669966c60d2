// Which queue an address means. What speaks to a database is installed by those who have one, and loaded when it is named.
import { UsageError } from "../../../errors.ts";
import type { QueueOptions, ShardQueue } from "../../../jobs/queue.ts";
import { openFolderQueue } from "./folder-queue.ts";

export async function openShardQueue(address: string | undefined, options: QueueOptions): Promise<ShardQueue> {
  if (address === undefined || address === "folder") return openFolderQueue(options);
  throw new UsageError(
    `a queue is folder, postgres://… or redis://…; this is another address`,
    "leave it out for leases in the plan's folder",
  );
}
