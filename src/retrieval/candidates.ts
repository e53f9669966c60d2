// Which pictures can still be among the k best, from bounds of their scores: a picture is out when its upper bound is below the k-th largest
// lower bound. So nobody who belongs to the best, ties included, is ever left out.

/** Lists are thinned out when they have grown by so many. */
const SPARE = 4096;

export interface Candidate {
  readonly picture: number;
  /** Its score is at least this. */
  readonly lower: number;
  /** Its score is at most this. */
  readonly upper: number;
}

export class Candidates {
  readonly #count: number;
  /** The k largest lower bounds, the least of them first (a heap). */
  readonly #lowers: number[] = [];
  #left: Candidate[] = [];
  #kept = 0;
  /** Whoever is below is out. */
  threshold = Number.NEGATIVE_INFINITY;

  /** @param count how many are wanted */
  constructor(count: number) {
    this.#count = count;
  }

  /** For pictures whose upper bound reaches the threshold; asking before is cheaper than calling. */
  offer(picture: number, lower: number, upper: number): void {
    this.#left.push({ picture, lower, upper });
    if (lower > this.threshold || this.#lowers.length < this.#count) this.#raise(lower);
    if (this.#left.length > 2 * this.#kept + SPARE) this.#thin();
  }

  /** Those that are left, the largest upper bound first. */
  left(): Candidate[] {
    this.#thin();
    return this.#left.toSorted((a, b) => b.upper - a.upper);
  }

  #thin(): void {
    this.#left = this.#left.filter(({ upper }) => upper >= this.threshold);
    this.#kept = this.#left.length;
  }

  #raise(lower: number): void {
    const heap = this.#lowers;
    if (heap.length < this.#count) {
      heap.push(lower);
      siftUp(heap);
    } else {
      heap[0] = lower;
      siftDown(heap);
    }
    if (heap.length === this.#count) this.threshold = heap[0]!;
  }
}

function siftUp(heap: number[]): void {
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= heap[at]!) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function siftDown(heap: number[]): void {
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    let least = at;
    if (left < heap.length && heap[left]! < heap[least]!) least = left;
    if (right < heap.length && heap[right]! < heap[least]!) least = right;
    if (least === at) return;
    swap(heap, at, least);
    at = least;
  }
}

function swap(heap: number[], a: number, b: number): void {
  [heap[a], heap[b]] = [heap[b]!, heap[a]!];
}
