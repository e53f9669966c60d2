// The host of Node, with what batch jobs need.
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { isStoreAddress } from "../../jobs/address.ts";
import { planFilesOnDisk } from "../../jobs/plan-files.ts";
import type { JobsHost } from "../host.ts";
import { createFile } from "./file-in-progress.ts";
import { openShardQueue } from "./queues/open-queue.ts";
import { readRange } from "./read-range.ts";
import { shardProcess } from "./shard-process.ts";
import { localStorage } from "./storage/local.ts";
import { s3Storage } from "./storage/s3.ts";
import { lazyS3 } from "./storage/s3-client.ts";
import { createObject, planFilesInStore } from "./storage/s3-plan.ts";
import { nodeTrainingHost } from "./training-host.ts";

const openStore = lazyS3();
const store = s3Storage(openStore);
const plansInStore = planFilesInStore(openStore, store);
const plansOnDisk = planFilesOnDisk(nodeTrainingHost.files);

export const nodeJobsHost: JobsHost = {
  ...nodeTrainingHost,
  storageOf: (path) => (isStoreAddress(path) ? store : localStorage),
  absolutePath: (path) => (isStoreAddress(path) ? path : resolve(path)),
  planFilesOf: (folder) => (isStoreAddress(folder) ? plansInStore : plansOnDisk),
  createFile: (path) => (isStoreAddress(path) ? createObject(openStore, path) : createFile(path)),
  readRange: (path, start, length) =>
    isStoreAddress(path) ? store.readRange(path, start, length) : readRange(path, start, length),
  openShardQueue,
  openShardRunner: (folder, options) => shardProcess({ folder, ...options }),
  self: { host: hostname(), pid: process.pid },
  date: () => new Date().toISOString(),
  newId: () => randomUUID(),
};
