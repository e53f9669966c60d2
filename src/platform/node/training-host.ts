// The host of Node, with what training needs.
import { resolve } from "node:path";
import type { TrainingHost } from "../host.ts";
import { nodeDataFiles } from "./data-files.ts";
import { createDataWorkers } from "./data-workers.ts";
import { nodeHost } from "./host.ts";

export const nodeTrainingHost: TrainingHost = {
  ...nodeHost,
  dataFiles: nodeDataFiles,
  absolutePath: (path) => resolve(path),
  createDataWorkers,
};
