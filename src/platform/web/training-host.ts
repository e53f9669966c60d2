// The host of a page, with what training needs.
import type { TrainingHost } from "../host.ts";
import { createDataWorkers } from "./data-workers.ts";
import { createWebHost, type WebHost } from "./host.ts";
import type { WebFiles } from "./web-files.ts";

/** @param files with data among them: what `openDataSource` has laid over the page's own */
export function createWebTrainingHost(files: WebFiles): TrainingHost & WebHost {
  const host = createWebHost(files);
  const dataFiles: TrainingHost["dataFiles"] = {
    read: (path, options) => files.read(path, options),
    readRange: (path, start, length) => files.readRange(path, start, length),
    stat: (path) => files.stat(path),
    list: (path) => files.list(path),
    join: (...parts) => files.join(...parts),
  };
  return {
    ...host,
    dataFiles,
    createDataWorkers: (count) => createDataWorkers({ dataFiles, decode: host.decode }, count),
  };
}
