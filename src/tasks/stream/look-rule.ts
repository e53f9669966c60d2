// On which frames of a moving picture a full look is spent. It knows how much the picture has changed, how fast it is changing and how sure the answer
// is, and nothing of models.
import { UsageError } from "../../errors.ts";
import { changeBetween, type Thumbnail } from "./thumbnail.ts";

export interface LookOptions {
  /**
   * How much what is seen must differ from what was last looked at for a full look, 0..1: the mean difference of 16 x 16 coarse pixels. A little more than
   * half of it is enough once a picture that moved has come to rest; answers that are not sure need less, those that are sure more. Default 0.08.
   */
  readonly changed?: number;
  /** From this difference on it is another scene, of which nothing is known yet. Default 0.15. */
  readonly cut?: number;
  /** A full look after so many milliseconds at the latest, whatever the picture does. Default 5000. */
  readonly everyMs?: number;
  /** Look at every frame fully: what the savings are measured against. Default false. */
  readonly always?: boolean;
}

/**
 * Why a frame was looked at, or not:
 *
 * - `first`: there was no answer yet
 * - `cut`: another scene
 * - `changed`: it differs from what was last looked at
 * - `rest`: it has moved, and rests now
 * - `due`: the last full look is too long ago
 * - `doubt`: a step found something else
 * - `always`: every frame is looked at
 * - `moving`: it changed, but by less
 * - `still`: it is as it was
 */
export type LookReason = "first" | "cut" | "changed" | "rest" | "due" | "doubt" | "always" | "moving" | "still";

export interface LookChoice {
  readonly kind: "full" | "step" | "kept";
  readonly reason: LookReason;
  /** From what was last looked at, 0..1; 1 when there was nothing. */
  readonly change: number;
}

/** Tuned on made videos of other pictures than those that results are reported for (bench/stream.ts). */
const CHANGED = 0.08;
const CUT = 0.15;
const EVERY_MS = 5000;
/** Change in a second below which a picture rests. Noise in twilight stays below it. */
const REST_PER_SECOND = 0.3;
/** How much a sure answer raises the threshold, and an unsure one lowers it. */
const CONFIDENCE_COUNTS = 0.3;
/** Share of the threshold from which a step is worth its while, and a look at a picture that rests. */
const WORTH = 0.6;
/** Frames that follow each other sooner than that are taken to be so far apart: times of cameras jump. */
const LEAST_SECONDS = 0.01;

/** What a look is compared with afterwards. */
interface Looked {
  readonly thumbnail: Thumbnail;
  readonly seconds: number;
}

/** Remembers what was looked at last, and nothing else. */
export class LookRule {
  readonly #changed: number;
  readonly #cut: number;
  readonly #everySeconds: number;
  readonly #always: boolean;
  #full: Looked | undefined;
  #stepped: Thumbnail | undefined;
  #last: Looked | undefined;
  #hasMoved = false;

  /** @throws UsageError for options that make no sense */
  constructor({
    changed = CHANGED,
    cut = Math.max(CUT, changed),
    everyMs = EVERY_MS,
    always = false,
  }: LookOptions = {}) {
    requireShare("changed", changed);
    requireShare("cut", cut);
    if (!(everyMs > 0)) throw new UsageError(`everyMs must be more than 0, got ${everyMs}`);
    this.#changed = changed;
    this.#cut = cut;
    this.#everySeconds = everyMs / 1000;
    this.#always = always;
  }

  /**
   * @param seconds of the frame
   * @param confidence of the present answer, 0..1
   * @param canStep whether a step can tell, for less than a full look, that the answer still holds: it is then taken sooner, and a full look later
   */
  choose(thumbnail: Thumbnail, seconds: number, confidence: number, canStep = false): LookChoice {
    const last = this.#last;
    this.#last = { thumbnail, seconds };
    const full = this.#full;
    if (full === undefined || last === undefined) return { kind: "full", reason: "first", change: 1 };
    const speed = changeBetween(thumbnail, last.thumbnail) / Math.max(LEAST_SECONDS, seconds - last.seconds);
    const rests = speed < REST_PER_SECOND;
    const cameToRest = rests && this.#hasMoved;
    this.#hasMoved ||= !rests;
    const change = changeBetween(thumbnail, full.thumbnail);
    const threshold = this.#changed * (1 + CONFIDENCE_COUNTS * (2 * confidence - 1));
    const elapsed = seconds - full.seconds;
    if (change >= this.#cut) return { kind: "full", reason: "cut", change };
    if (this.#always) return { kind: "full", reason: "always", change };
    if (!canStep && change >= threshold) return { kind: "full", reason: "changed", change };
    if (cameToRest && change >= WORTH * this.#changed) return { kind: "full", reason: "rest", change };
    // A clock that goes back belongs to a source that began again.
    if (elapsed >= this.#everySeconds || elapsed < 0) return { kind: "full", reason: "due", change };
    const sinceStep = this.#stepped === undefined ? change : changeBetween(thumbnail, this.#stepped);
    if (canStep && sinceStep >= WORTH * threshold) return { kind: "step", reason: "moving", change };
    return { kind: "kept", reason: "still", change };
  }

  /** The last frame that was chosen for was looked at. */
  looked(kind: "full" | "step"): void {
    if (this.#last === undefined) return;
    if (kind === "full") {
      this.#full = this.#last;
      this.#stepped = undefined;
      this.#hasMoved = false;
    } else this.#stepped = this.#last.thumbnail;
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#full = undefined;
    this.#stepped = undefined;
    this.#hasMoved = false;
  }
}

function requireShare(name: string, value: number): void {
  if (!(value > 0 && value <= 1)) throw new UsageError(`${name} must be more than 0 and at most 1, got ${value}`);
}
