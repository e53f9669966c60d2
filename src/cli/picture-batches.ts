// Many pictures through a model in batches: the next batch is decoded while one runs, and a picture that cannot be read stops nothing.
import { AbortedError, ImageError, LimitError, SaccadeError } from "../errors.ts";
import type { DecodeOptions, RawImage } from "../image/raw-image.ts";
import type { Host } from "../platform/host.ts";
import { readPicture } from "../tasks/pictures.ts";
import type { NamedPicture } from "./picture-paths.ts";

/** A picture with its answer, or with the reason why there is none. */
export type Answered<T> =
  | { readonly picture: NamedPicture; readonly answer: T; readonly error?: undefined }
  | { readonly picture: NamedPicture; readonly error: SaccadeError };

/** Gets at most `size` pictures and gives one answer for each. */
type Answer<T> = (pixels: readonly RawImage[]) => Promise<readonly T[]>;

/** Answers in the order of the pictures. */
export async function* answerInBatches<T>(
  host: Host,
  pictures: readonly NamedPicture[],
  size: number,
  answer: Answer<T>,
  options: DecodeOptions & { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Answered<T>> {
  const decode = (start: number) => {
    const decoded = Promise.all(
      pictures.slice(start, start + size).map(async (picture) => {
        try {
          return { picture, pixels: await readPicture(host, picture.source, options) };
        } catch (error) {
          if (error instanceof SaccadeError) return { picture, error };
          throw error;
        }
      }),
    );
    // It may fail while nobody waits for it yet; whoever does wait still gets the error.
    decoded.catch(() => undefined);
    return decoded;
  };
  let next = decode(0);
  for (let start = 0; start < pictures.length; start += size) {
    const batch = await next;
    if (start + size < pictures.length) next = decode(start + size);
    if (options.signal?.aborted === true) throw new AbortedError("reading pictures", options.signal.reason);
    const readable = batch.flatMap((item) => (item.pixels === undefined ? [] : [item.pixels]));
    const answers = await answerAll(readable, answer);
    let taken = 0;
    for (const { picture, error } of batch) {
      const result = error ?? answers[taken++]!;
      yield result instanceof SaccadeError ? { picture, error: result } : { picture, answer: result.answer };
    }
  }
}

/** A picture that is too large for the model's preprocessing fails its whole batch; then each goes alone, and only that one has an error. */
async function answerAll<T>(
  pixels: readonly RawImage[],
  answer: Answer<T>,
): Promise<({ readonly answer: T } | SaccadeError)[]> {
  if (pixels.length === 0) return [];
  try {
    return (await answer(pixels)).map((one) => ({ answer: one }));
  } catch (error) {
    if (!(error instanceof LimitError || error instanceof ImageError)) throw error;
    if (pixels.length === 1) return [error];
  }
  const results: ({ readonly answer: T } | SaccadeError)[] = [];
  for (const one of pixels) results.push(...(await answerAll([one], answer)));
  return results;
}
