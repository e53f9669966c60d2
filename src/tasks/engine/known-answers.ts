// Pictures whose answers are known already, by the bytes of their files: these are neither decoded nor run, and a model of which all answers are
// known is not opened.
import { SaccadeError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { PictureViews, ViewOptions } from "../../image/view.ts";
import type { Host } from "../../platform/host.ts";
import type { BatchTask } from "./picture-stream.ts";
import { openPicture, type PictureSource } from "./pictures.ts";

/** Answers by what they are about. */
export interface AnswerMemory<A> {
  keyOf(bytes: Uint8Array): Promise<string>;
  get(key: string): A | undefined;
  /** Never fails: what cannot be kept is not. */
  put(answers: readonly (readonly [key: string, answer: A])[]): Promise<void>;
}

/** A picture that was read: with its answer, or with its pixels and the key that the answer will have. Pixels that were handed over have none. */
export type ReadPicture<A> = { readonly answer: A } | { readonly key?: string | undefined; readonly picture: RawImage };

/** The same as its batch gets it. */
export type ShownPicture<A> =
  | { readonly answer: A }
  | { readonly key?: string | undefined; readonly views: PictureViews };

/** Reads a picture, and decodes it where its answer is not known. Throws as `readPicture`. */
export async function readUnknown<A>(
  host: Host,
  source: PictureSource,
  memory: AnswerMemory<A>,
  options: ViewOptions,
): Promise<ReadPicture<A>> {
  const opened = await openPicture(host, source, options);
  if ("pixels" in opened) return { picture: opened.pixels };
  const { bytes } = opened;
  // Before it is decoded, because decoders may take the bytes away.
  const key = await memory.keyOf(bytes);
  const answer = memory.get(key);
  return answer === undefined ? { key, picture: await host.decode(bytes, options) } : { answer };
}

/** Known answers that may wait for one batch. */
const MOST_KNOWN = 64;

/** A task that runs only what is not known, and remembers what it gave. */
export function remembering<A>(
  task: BatchTask<PictureViews, A, PictureSource>,
  memory: AnswerMemory<A>,
): BatchTask<ShownPicture<A>, A, PictureSource, ReadPicture<A>> {
  return {
    view: (read) => ("answer" in read ? read : { key: read.key, views: task.view(read.picture) }),
    ...(task.decoding === undefined ? {} : { decoding: task.decoding }),
    bytesOf: (shown) => ("answer" in shown ? 0 : task.bytesOf(shown.views)),
    batchSize: Math.max(MOST_KNOWN, task.batchSize),
    joins(batch, next) {
      if ("answer" in next) return true;
      const views = batch.flatMap((shown) => ("answer" in shown ? [] : [shown.views]));
      return views.length === 0 || (views.length < task.batchSize && task.joins(views, next.views));
    },
    async run(batch) {
      const unknown = batch.flatMap(({ source, view }) =>
        "answer" in view ? [] : [{ source, view: view.views, key: view.key }],
      );
      const found = unknown.length === 0 ? [] : await task.run(unknown);
      await memory.put(
        found.flatMap((answer, i) => {
          const { key } = unknown[i]!;
          return key === undefined || answer instanceof SaccadeError ? [] : [[key, answer] as const];
        }),
      );
      let taken = 0;
      return batch.map(({ view }) => ("answer" in view ? view.answer : found[taken++]!));
    },
    get lanes() {
      return task.lanes;
    },
  };
}
