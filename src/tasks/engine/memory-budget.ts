// How much memory pictures on their way may take together. A picture asks before it takes some, and waits while others hold too much. So that
// waiting always ends, the first picture in line that is still to be read never waits for pictures behind it, only for runs to end.

interface Waiting {
  readonly index: number;
  readonly bytes: number;
  readonly proceed: () => void;
}

/** At most `limit` bytes, and beyond them one picture that is larger than what is left. */
export class MemoryBudget {
  readonly #limit: number;
  readonly #waiting: Waiting[] = [];
  readonly #read = new Set<number>();
  #held = 0;
  /** The first picture that is not read yet. */
  #head = 0;
  #runs = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  /** Waits until the picture at `index` may take so many bytes more. */
  reserve(index: number, bytes: number): Promise<void> {
    return new Promise((proceed) => {
      const behind = this.#waiting.findIndex((other) => other.index > index);
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, { index, bytes, proceed });
      this.#admit();
    });
  }

  /** Gives bytes back. */
  release(bytes: number): void {
    this.#held -= bytes;
    this.#admit();
  }

  /** The picture at `index` asks for nothing more. */
  finish(index: number): void {
    this.#read.add(index);
    while (this.#read.delete(this.#head)) this.#head++;
    this.#admit();
  }

  /** Counts what will give memory back by itself. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#runs++;
    try {
      return await run();
    } finally {
      this.#runs--;
      this.#admit();
    }
  }

  #admit(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      const isNeeded = next.index === this.#head && this.#runs === 0;
      if (this.#held + next.bytes > this.#limit && !isNeeded) return;
      this.#waiting.shift();
      this.#held += next.bytes;
      next.proceed();
    }
  }
}
