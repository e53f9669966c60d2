// Batch embedding: a vector a picture, in a column as index and search write theirs; the space in the files' metadata.
import { z } from "zod";
import { SPACE_KEY } from "../../embeddings/write-embeddings.ts";
import { JITTERS, VIEWS } from "../../image/views.ts";
import { loadEmbedder } from "../../tasks/embed/embedder.ts";
import { POOLINGS } from "../../tasks/embed/pooling.ts";
import { engineOptions, modelJob, pictureOptions, pictureTask } from "./planned-model.ts";

const options = z.strictObject({
  ...pictureOptions,
  layer: z.string().optional(),
  pool: z.enum(POOLINGS).optional(),
  views: z.enum([...VIEWS, ...JITTERS]).optional(),
  power: z.boolean().default(false),
  normalize: z.boolean().default(true),
});
type EmbedJobOptions = z.infer<typeof options>;

export const embedJob = modelJob(
  options as z.ZodType<EmbedJobOptions>,
  undefined,
  async (host, { model, given, compute, rows }) => {
    const { views, layer, pool, power, normalize, batch, decode } = given;
    const embedder = await loadEmbedder(host, model, {
      ...engineOptions(given, compute, rows),
      ...{ power, normalize },
      ...(views === undefined ? {} : { views }),
      ...(layer === undefined ? {} : { layer }),
      ...(pool === undefined ? {} : { pooling: pool }),
    });
    const shape = {
      columns: [{ name: "embedding", kind: "floats" as const }],
      metadata: { [SPACE_KEY]: JSON.stringify(embedder.space) },
    };
    const run = { batchSize: batch, ...(decode === undefined ? {} : { decode }) };
    const answerAll: Parameters<typeof pictureTask<Float32Array>>[2] = (all, stop) =>
      embedder.embedAll(all, { ...run, ...stop });
    return pictureTask(embedder, shape, answerAll, (embedding) => ({ embedding }));
  },
);
