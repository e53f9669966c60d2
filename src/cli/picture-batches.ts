// Many pictures through a model in batches: the next batch is decoded while one runs, and a picture that cannot be read stops nothing.
import { SaccadeError } from "../errors.ts";
import type { DecodeOptions, RawImage } from "../image/raw-image.ts";
import type { Host } from "../platform/host.ts";
import { readPicture } from "../tasks/pictures.ts";
import type { NamedPicture } from "./picture-paths.ts";

/** A picture with its answer, or with the reason why there is none. */
export type Answered<T> =
  | { readonly picture: NamedPicture; readonly answer: T; readonly error?: undefined }
  | { readonly picture: NamedPicture; readonly error: SaccadeError };

/** In the order of the pictures. `answer` gets at most `size` pictures and gives one answer for each. */
export async function* answerInBatches<T>(
  host: Host,
  pictures: readonly NamedPicture[],
  size: number,
  answer: (pixels: readonly RawImage[]) => Promise<readonly T[]>,
  options: DecodeOptions & { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Answered<T>> {
  const decode = (start: number) =>
    Promise.all(
      pictures.slice(start, start + size).map(async (picture) => {
        try {
          return { picture, pixels: await readPicture(host, picture.source, options) };
        } catch (error) {
          if (error instanceof SaccadeError) return { picture, error };
          throw error;
        }
      }),
    );
  let next = decode(0);
  for (let start = 0; start < pictures.length; start += size) {
    const batch = await next;
    if (start + size < pictures.length) next = decode(start + size);
    options.signal?.throwIfAborted();
    const readable = batch.flatMap((item) => (item.pixels === undefined ? [] : [item.pixels]));
    const answers = readable.length === 0 ? [] : await answer(readable);
    let taken = 0;
    for (const { picture, error } of batch)
      yield error === undefined ? { picture, answer: answers[taken++]! } : { picture, error };
  }
}
