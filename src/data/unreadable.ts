// Pictures that turned out to be unreadable while a loader went over them: others stand in for them, as long as each class has some.
import { SaccadeError } from "../errors.ts";
import { type DataProblem, type Dataset, list } from "./dataset.ts";

export class UnreadablePictures {
  readonly #dataset: Dataset;
  /** Whether others stand in for them, so that a class without any would be learnt as another one. */
  readonly #isReplaced: boolean;
  readonly #problems = new Map<number, DataProblem>();
  readonly #classes: ClassCounts;

  constructor(dataset: Dataset, isReplaced: boolean) {
    this.#dataset = dataset;
    this.#isReplaced = isReplaced;
    this.#classes = new ClassCounts(dataset);
  }

  has(item: number): boolean {
    return this.#problems.has(item);
  }

  get problems(): readonly DataProblem[] {
    return [...this.#problems.values()];
  }

  /** @throws SaccadeError `data` when it was the last picture of all, or of its class, which others would stand in for from now on */
  leaveOut(item: number, problem: DataProblem): void {
    if (!this.#problems.has(item)) this.#classes.leaveOut(item);
    this.#problems.set(item, problem);
    if (this.#problems.size >= this.#dataset.length)
      throw notReadable(`one of the ${this.#problems.size} pictures`, this.problems);
    const lost = this.#classes.lost;
    if (lost === undefined || !this.#isReplaced) return;
    const members = [...this.#problems].filter(([i]) => this.#dataset.targets[i] === lost.target);
    throw notReadable(
      `one of the ${members.length} pictures of the class "${lost.label}"`,
      members.map(([, each]) => each),
    );
  }
}

/** How many pictures of each class have not turned out to be unreadable. */
class ClassCounts {
  readonly #dataset: Dataset;
  readonly #left: Uint32Array;
  /** A class of which none is left. */
  lost: { readonly target: number; readonly label: string } | undefined;

  constructor(dataset: Dataset) {
    this.#dataset = dataset;
    this.#left = new Uint32Array(dataset.labels.length);
    for (const target of dataset.targets) this.#left[target]! += 1;
  }

  leaveOut(item: number): void {
    const target = this.#dataset.targets[item]!;
    this.#left[target]! -= 1;
    if (this.#left[target] === 0) this.lost ??= { target, label: this.#dataset.labels[target]! };
  }
}

/** Not one of some pictures can be read: a few of them, and why. */
export function notReadable(which: string, problems: readonly DataProblem[]): SaccadeError {
  const some = list(
    problems.map(({ name, reason }) => `${name} (${reason})`),
    3,
  );
  return new SaccadeError("data", `not ${which} can be read: ${some}`, { data: { problems: problems.slice(0, 100) } });
}
