// What a stream has come to so far. What it takes does not grow.
import type { LookChoice } from "./look-rule.ts";
import type { StreamCounts } from "./results.ts";

export class StreamTally {
  readonly #counts = { frames: 0, fullLooks: 0, steps: 0, kept: 0 };
  readonly #latency = { totalMs: 0, longestMs: 0 };

  add(kind: LookChoice["kind"], latencyMs: number): void {
    this.#counts.frames += 1;
    if (kind === "full") this.#counts.fullLooks += 1;
    else if (kind === "step") this.#counts.steps += 1;
    else this.#counts.kept += 1;
    this.#latency.totalMs += latencyMs;
    this.#latency.longestMs = Math.max(this.#latency.longestMs, latencyMs);
  }

  counts(dropped: number): StreamCounts {
    return { ...this.#counts, dropped, latency: { ...this.#latency } };
  }
}
