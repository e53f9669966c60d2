// Pictures and videos that could not be answered: each is said as it happens, and how many there were in the end.
import type { SaccadeError } from "../errors.ts";
import { noteError, printable, type Terminal } from "./terminal.ts";

export class PictureFailures {
  readonly #terminal: Terminal;
  readonly #json: boolean;
  readonly #what: string;
  #count = 0;

  /** @param json whether a failure is a line of the answers as well */
  constructor(terminal: Terminal, json = false, what = "pictures") {
    this.#terminal = terminal;
    this.#json = json;
    this.#what = what;
  }

  add(name: string, error: SaccadeError): void {
    this.#count++;
    const { code, message } = error;
    if (this.#json) this.#terminal.out(`${JSON.stringify({ path: name, error: { code, message } })}\n`);
    noteError(this.#terminal, error, printable(name));
  }

  /** Whether there were none. */
  finish(pictures: number): boolean {
    if (this.#count > 0) this.#terminal.note(`saccade: ${this.#count} of ${pictures} ${this.#what} could not be read`);
    return this.#count === 0;
  }
}
