// What tests of indexes share: a space that no model has, and a host that decodes in the thread that asks.
import { decodeEmbeddings } from "../../src/embeddings/decode-embeddings.ts";
import { nodeDataFiles } from "../../src/platform/node/data-files.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import type { EmbeddingSpace } from "../../src/tasks/embed/space.ts";

export const spaceOf = (width: number, name = "m"): EmbeddingSpace => ({
  id: "aaaaaaaaaaaaaaaa",
  name,
  model: "m",
  layer: "features",
  pooling: "none",
  transform: "resize(8,8)",
  views: "center",
  precision: "float32",
  power: false,
  projection: null,
  normalize: true,
  width,
});

/** For hundreds of small files, and for processes that are killed: one thread less to start. */
export const inThreadHost = {
  ...nodeHost,
  decodeEmbeddings: (request: Parameters<typeof nodeHost.decodeEmbeddings>[0]) =>
    decodeEmbeddings(nodeDataFiles, request),
};
