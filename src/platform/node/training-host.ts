// The host of Node, with what training needs.
import type { TrainingHost } from "../host.ts";
import { nodeDataFiles } from "./data-files.ts";
import { createDataWorkers } from "./data-workers.ts";
import { type NodeHost, nodeHost } from "./host.ts";

export const nodeTrainingHost: TrainingHost & NodeHost = {
  ...nodeHost,
  dataFiles: nodeDataFiles,
  createDataWorkers,
};
