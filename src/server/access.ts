// Who may ask, and how often.
import { createHash } from "node:crypto";
import { UsageError } from "../errors.ts";
import { RateLimitError, UnauthorizedError } from "./failures.ts";
import type { Clock } from "./queue/batch-queue.ts";

/** Shorter tokens are guessed. */
const LEAST_TOKEN = 16;

const digest = (token: string) => createHash("sha256").update(token).digest("hex");

/** Bearer tokens, kept as digests: how long a comparison takes says nothing about a token. */
export class BearerTokens {
  readonly #digests: ReadonlySet<string>;

  /** @param text one token a line; empty lines and those that begin with # are passed over. Throws UsageError. */
  constructor(text: string, where: string) {
    const tokens = text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    if (tokens.length === 0) throw new UsageError(`there is no token in ${where}`, "write one a line");
    if (tokens.some((token) => token.length < LEAST_TOKEN || /\s/.test(token)))
      throw new UsageError(
        `a token in ${where} is shorter than ${LEAST_TOKEN} characters, or has a space in it`,
        "openssl rand -hex 32 makes a good one",
      );
    this.#digests = new Set(tokens.map(digest));
  }

  /** @param authorization the header. Throws UnauthorizedError. */
  require(authorization: string | undefined): void {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
    if (token === undefined || !this.#digests.has(digest(token))) throw new UnauthorizedError();
  }
}

interface Bucket {
  left: number;
  at: number;
}

/** Clients that are remembered; whoever asks least is forgotten first. */
const MOST_CLIENTS = 10_000;

/** A bucket of tokens for each client: it holds what a second brings, at least one. */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    readonly perSecond: number,
    readonly clock: Clock,
  ) {}

  /** Throws RateLimitError. */
  take(client: string): void {
    const now = this.clock.now();
    const most = Math.max(1, this.perSecond);
    const known = this.#buckets.get(client) ?? { left: most, at: now };
    const left = Math.min(most, known.left + ((now - known.at) / 1000) * this.perSecond);
    this.#buckets.delete(client); // and put at the end again
    this.#buckets.set(client, { left: left >= 1 ? left - 1 : left, at: now });
    if (this.#buckets.size > MOST_CLIENTS) this.#buckets.delete(this.#buckets.keys().next().value!);
    if (left < 1) throw new RateLimitError(this.perSecond, (1000 * (1 - left)) / this.perSecond);
  }
}
