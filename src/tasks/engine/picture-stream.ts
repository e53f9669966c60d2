// Many pictures through a model at the best rate: while batches run, the next ones are read, decoded and brought to the model's size. Answers
// come in the order of the pictures, one that cannot be read stops nothing, and memory stays bounded however large the pictures are.
import { AbortedError, ImageError, LimitError, SaccadeError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { ViewOptions } from "../../image/view.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { readAhead } from "./read-ahead.ts";

/** A source with its answer, or with the reason why there is none. */
export type Answered<S, A> =
  | { readonly source: S; readonly answer: A; readonly error?: undefined }
  | { readonly source: S; readonly error: SaccadeError; readonly answer?: undefined };

/** Waits until so many bytes may be taken. */
export type Reserve = (bytes: number) => Promise<void>;

/** A source as its batch gets it. */
export interface Prepared<S, V> {
  readonly source: S;
  readonly view: V;
}

/** How pictures become answers. `P` is a picture as it was read, `V` what is kept of it until its batch runs. */
export interface BatchTask<V, A, S = unknown, P = RawImage> {
  /** What the model needs of a picture. Throws ImageError or LimitError when it does not go through the preprocessing. */
  view(picture: P): V;
  /** What a decoder may know of that: it may make the view itself. */
  readonly decoding?: ViewOptions;
  /** Memory that a view takes. */
  bytesOf(view: V): number;
  /** Pictures of a run at most. */
  readonly batchSize: number;
  /** Whether the next picture may run together with these, which are fewer than a batch. */
  joins(batch: readonly V[], next: V): boolean;
  /** One answer each, or why there is none. */
  run(batch: readonly Prepared<S, V>[]): Promise<readonly (A | SaccadeError)[]>;
  /** Batches under way at once: those that run, and those that are ready to. */
  readonly lanes: number;
}

export interface StreamOptions {
  /** Pictures that are read and decoded at once. Default: enough to keep all lanes busy. */
  readonly parallel?: number;
  /** Bytes that files, pixels and views may take together, beside one picture that is larger. Default 256 MiB. */
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_MEMORY_BYTES = 2 ** 28;
/** Decoders that wait for a file or for each other leave room for further ones. */
const LEAST_PARALLEL = 8;

/**
 * Answers in the order of the sources. Which pictures run together depends on their order alone, so that answers repeat to the bit.
 *
 * @param read the pixels of a source; what it throws of this library is that source's error
 * @throws AbortedError, and what the model throws
 */
export async function* streamAnswers<S, V, A, P = RawImage>(
  sources: Iterable<S> | AsyncIterable<S>,
  read: (source: S, reserve: Reserve) => Promise<P>,
  task: BatchTask<V, A, S, P>,
  options: StreamOptions = {},
): AsyncGenerator<Answered<S, A>> {
  const { signal, parallel = Math.max(LEAST_PARALLEL, task.lanes) } = options;
  const ahead = parallel + Math.ceil(task.lanes / 2) * task.batchSize;
  const budget = new MemoryBudget(options.memoryBytes ?? DEFAULT_MEMORY_BYTES);
  const prepare = (source: S, index: number) => prepareOne(source, index, read, task, budget);
  const groups = groupsOf(readAhead(sources, prepare, { parallel, ahead }), task);
  const running: Promise<Answered<S, A>[]>[] = [];
  let coming: Promise<IteratorResult<Group<S, V>>> | undefined = unobserved(groups.next());
  try {
    while (coming !== undefined || running.length > 0) {
      if (signal?.aborted === true) throw new AbortedError("reading pictures", signal.reason);
      const isAnswered = await firstOf(running[0], running.length < task.lanes ? coming : undefined, signal);
      if (isAnswered) yield* await running.shift()!;
      else {
        const { done, value }: IteratorResult<Group<S, V>> = await coming!;
        coming = done === true ? undefined : unobserved(groups.next());
        if (done !== true) running.push(unobserved(budget.during(() => answerGroup(value, task, budget))));
      }
    }
  } finally {
    void groups.return(undefined).catch(() => undefined); // not awaited: it waits for what is being read
  }
}

/** All answers. Throws the first error in their order. */
export async function allAnswers<A>(stream: AsyncIterable<Answered<unknown, A>>): Promise<A[]> {
  const answers: A[] = [];
  for await (const answered of stream) {
    if (answered.error !== undefined) throw answered.error;
    answers.push(answered.answer);
  }
  return answers;
}

/** One picture in, one answer out; an array in, an array out. `answer` answers any number of them, in their order. */
export async function oneOrMany<S, A>(
  pictures: S | readonly S[],
  answer: (pictures: readonly S[]) => Promise<readonly A[]>,
): Promise<A | A[]> {
  const many = Array.isArray(pictures);
  const answers = await answer((many ? pictures : [pictures]) as readonly S[]);
  return many ? [...answers] : answers[0]!;
}

/** Whether the oldest run is done before the next group has come; rejects when the signal fires first. */
function firstOf(run?: Promise<unknown>, coming?: Promise<unknown>, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new AbortedError("reading pictures", signal?.reason));
    signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (isAnswered: boolean) => () => {
      signal?.removeEventListener("abort", onAbort);
      resolve(isAnswered);
    };
    run?.then(settle(true), settle(true)); // errors show when it is awaited
    coming?.then(settle(false), settle(false));
  });
}

interface Ready<S, V> extends Prepared<S, V> {
  readonly bytes: number;
  readonly error?: undefined;
}

interface Failed<S> {
  readonly source: S;
  readonly error: SaccadeError;
}

/** Pictures that run together, and between them those that have failed, in order. */
interface Group<S, V> {
  readonly items: readonly (Ready<S, V> | Failed<S>)[];
}

async function prepareOne<S, V, A, P>(
  source: S,
  index: number,
  read: (source: S, reserve: Reserve) => Promise<P>,
  task: BatchTask<V, A, S, P>,
  budget: MemoryBudget,
): Promise<Ready<S, V> | Failed<S>> {
  let held = 0;
  const reserve = async (bytes: number) => {
    await budget.reserve(index, bytes);
    held += bytes;
  };
  try {
    const view = task.view(await read(source, reserve));
    const bytes = task.bytesOf(view);
    // The pixels go, the view stays; what was asked for nothing is counted too.
    budget.release(held - bytes);
    return { source, view, bytes };
  } catch (error) {
    budget.release(held);
    if (error instanceof SaccadeError && !(error instanceof AbortedError)) return { source, error };
    throw error;
  } finally {
    budget.finish(index);
  }
}

async function* groupsOf<S, V>(
  prepared: AsyncIterable<Ready<S, V> | Failed<S>>,
  { joins, batchSize }: Pick<BatchTask<V, unknown>, "joins" | "batchSize">,
): AsyncGenerator<Group<S, V>> {
  let items: (Ready<S, V> | Failed<S>)[] = [];
  let views: V[] = [];
  for await (const item of prepared) {
    const isFailed = item.error !== undefined;
    // Errors before a batch has begun need not wait for it.
    if (isFailed && views.length === 0) yield { items: [item] };
    else if (isFailed) items.push(item);
    else {
      if (views.length > 0 && !joins(views, item.view)) {
        yield { items };
        [items, views] = [[], []];
      }
      items.push(item);
      views.push(item.view);
      if (views.length < batchSize) continue;
      yield { items };
      [items, views] = [[], []];
    }
  }
  if (items.length > 0) yield { items };
}

async function answerGroup<S, V, A>(
  { items }: Group<S, V>,
  task: Pick<BatchTask<V, A, S>, "run">,
  budget: MemoryBudget,
): Promise<Answered<S, A>[]> {
  const ready = items.flatMap((item) => (item.error === undefined ? [item] : []));
  const answers = await answerAll(ready, task);
  for (const { bytes } of ready) budget.release(bytes);
  let taken = 0;
  return items.map((item) => {
    const { source } = item;
    const outcome = item.error ?? answers[taken++]!;
    return outcome instanceof SaccadeError ? { source, error: outcome } : { source, answer: outcome.answer };
  });
}

/** Where preprocessing is part of a run, a picture that does not go through it fails its batch; then each goes alone. */
async function answerAll<S, V, A>(
  batch: readonly Prepared<S, V>[],
  task: Pick<BatchTask<V, A, S>, "run">,
): Promise<readonly ({ readonly answer: A } | SaccadeError)[]> {
  if (batch.length === 0) return [];
  try {
    return (await task.run(batch)).map((answer) => (answer instanceof SaccadeError ? answer : { answer }));
  } catch (error) {
    if (!(error instanceof LimitError || error instanceof ImageError)) throw error;
    if (batch.length === 1) return [error];
  }
  const answers: ({ readonly answer: A } | SaccadeError)[] = [];
  for (const one of batch) answers.push(...(await answerAll([one], task)));
  return answers;
}

/** A promise that is awaited later, or never, if something else fails first: that is no unhandled rejection. */
function unobserved<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
