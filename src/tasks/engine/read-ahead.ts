// Reading ahead of whoever takes the results: several reads at once, results in order, and no more of them waiting than was said.

export interface ReadAheadOptions {
  /** Reads under way at most. */
  readonly parallel: number;
  /** Results at most that nobody has taken yet, those under way included. */
  readonly ahead: number;
}

/** Wakes everybody who waits. */
class Bell {
  #ring: () => void = () => undefined;
  #rung = new Promise<void>((resolve) => {
    this.#ring = resolve;
  });

  ring(): void {
    this.#ring();
    this.#rung = new Promise<void>((resolve) => {
      this.#ring = resolve;
    });
  }

  wait(): Promise<void> {
    return this.#rung;
  }
}

/**
 * What `read` makes of each source, in their order. Reading goes on between two results, whether anybody waits or not, and stops when the
 * consumer does.
 *
 * @throws what `read` or the sources throw, at the place of that source
 */
export async function* readAhead<S, T>(
  sources: Iterable<S> | AsyncIterable<S>,
  read: (source: S, index: number) => Promise<T>,
  { parallel, ahead }: ReadAheadOptions,
): AsyncGenerator<T> {
  const bell = new Bell();
  const results: Promise<T>[] = [];
  let reading = 0;
  let isOver = false; // nothing more will be read
  const readAll = async (): Promise<void> => {
    let index = 0;
    for await (const source of sources) {
      if (isOver) return;
      reading++;
      const result = read(source, index++).finally(() => {
        reading--;
        bell.ring();
      });
      result.catch(() => undefined); // whoever takes it gets the error
      results.push(result);
      bell.ring();
      while (!isOver && (reading >= parallel || results.length >= ahead)) await bell.wait();
    }
  };
  const end = readAll().finally(() => {
    isOver = true;
    bell.ring();
  });
  end.catch(() => undefined);
  try {
    for (;;) {
      while (results.length === 0 && !isOver) await bell.wait();
      const next = results.shift();
      if (next === undefined) return await end;
      bell.ring();
      yield await next;
    }
  } finally {
    isOver = true;
    bell.ring();
  }
}
