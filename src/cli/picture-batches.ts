// Named pictures through a model, and their answers under their names.
import type { DecodeOptions, RawImage } from "../image/raw-image.ts";
import type { Host } from "../platform/host.ts";
import { type Answered, streamAnswers } from "../tasks/picture-stream.ts";
import { type PictureSource, readPicture } from "../tasks/pictures.ts";
import type { NamedPicture } from "./picture-paths.ts";

export interface BatchOptions extends DecodeOptions {
  /** Pictures run together at most. */
  readonly batchSize: number;
  readonly signal?: AbortSignal;
}

/**
 * For models that take pictures as they are, and one batch at a time: the next one is decoded meanwhile.
 *
 * @param answer gets at most a batch of pictures and gives one answer for each
 */
export function answerInBatches<A>(
  host: Host,
  pictures: readonly NamedPicture[],
  answer: (pixels: readonly RawImage[]) => Promise<readonly A[]>,
  { batchSize, signal, ...decoding }: BatchOptions,
): AsyncGenerator<Answered<NamedPicture, A>> {
  return streamAnswers(
    pictures,
    ({ source }, reserve) => readPicture(host, source, { ...decoding, reserve }),
    {
      view: (picture) => picture,
      bytesOf: ({ data }) => data.byteLength,
      batchSize,
      joins: () => true,
      run: (batch) => answer(batch.map(({ view }) => view)),
      lanes: 1,
    },
    signal === undefined ? {} : { signal },
  );
}

/** For models that take sources without names: their answers under the names. */
export async function* underNames<A>(
  pictures: readonly NamedPicture[],
  answer: (sources: readonly PictureSource[]) => AsyncIterable<Answered<PictureSource, A>>,
): AsyncGenerator<Answered<NamedPicture, A>> {
  let next = 0;
  for await (const answered of answer(pictures.map(({ source }) => source)))
    yield { ...answered, source: pictures[next++]! };
}
