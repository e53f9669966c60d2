// Batch embedding: a vector a picture, in a column as index and search write theirs; the space in the files' metadata.
import { z } from "zod";
import { SPACE_KEY } from "../../embeddings/write-embeddings.ts";
import { JITTERS, VIEWS } from "../../image/views.ts";
import type { RowOutcome, ShardPicture, ShardTask } from "../../jobs/task.ts";
import { type Embedder, loadEmbedder } from "../../tasks/embed/embedder.ts";
import { POOLINGS } from "../../tasks/embed/pooling.ts";
import { requireModel } from "./classify-job.ts";
import type { JobTask } from "./job-tasks.ts";
import { identifyModel, loadPlanned, pictureOptions, requirePlanned } from "./planned-model.ts";

const options = z.strictObject({
  ...pictureOptions,
  layer: z.string().optional(),
  pool: z.enum(POOLINGS).optional(),
  views: z.enum([...VIEWS, ...JITTERS]).optional(),
  power: z.boolean().default(false),
  normalize: z.boolean().default(true),
});
type EmbedJobOptions = z.infer<typeof options>;

export const embedJob: JobTask<EmbedJobOptions> = {
  options: options as z.ZodType<EmbedJobOptions>,
  identify: (host, model, given) => identifyModel(host, requireModel(model), given),
  async open(host, plan, given, { device, threads, sessions, onNotice, signal }) {
    const model = await loadPlanned(host, requireModel(plan.model?.source), given, onNotice);
    await requirePlanned(host, model, plan.model);
    const { precision, transform, resolution, views, layer, pool, power, normalize } = given;
    const embedder = await loadEmbedder(host, model, {
      ...{ device, onNotice, precision, power, normalize },
      ...(signal === undefined ? {} : { signal }),
      ...(threads === undefined ? {} : { threads }),
      sessions: sessions ?? "auto",
      expectedPictures: plan.rows,
      ...(transform === undefined ? {} : { transform }),
      ...(resolution === undefined ? {} : { resolution }),
      ...(views === undefined ? {} : { views }),
      ...(layer === undefined ? {} : { layer }),
      ...(pool === undefined ? {} : { pooling: pool }),
    });
    return embedTask(embedder, given);
  },
};

function embedTask(embedder: Embedder, { batch, decode }: EmbedJobOptions): ShardTask {
  // The model's name is that of the space, and where it lies is no part of the answers.
  const { name: _, ...space } = embedder.space;
  return {
    shape: {
      columns: [{ name: "embedding", kind: "floats" }],
      metadata: { [SPACE_KEY]: JSON.stringify({ ...space, name: embedder.card.name }) },
    },
    device: embedder.device,
    async *run(rows: readonly ShardPicture[], { signal }): AsyncGenerator<RowOutcome> {
      const answers = embedder.embedAll(
        rows.map(({ picture }) => picture),
        {
          batchSize: batch,
          ...(signal === undefined ? {} : { signal }),
          ...(decode === undefined ? {} : { decode }),
        },
      );
      for await (const { answer, error } of answers)
        yield error === undefined ? { values: { embedding: answer } } : { error };
    },
    [Symbol.asyncDispose]: () => embedder.dispose(),
  };
}
