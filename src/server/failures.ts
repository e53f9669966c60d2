// Why a server does not answer: failures of its own, and which HTTP status each failure of this library is.
import { SaccadeError } from "../errors.ts";

/** There is no room for another request. */
export class OverloadError extends SaccadeError {
  override readonly name: string = "OverloadError";
  constructor(capacity: number, what = "pictures wait already") {
    super("overloaded", `${capacity} ${what}`, { hint: "try again later", data: { capacity } });
  }
}

/** Too many requests of one client. */
export class RateLimitError extends SaccadeError {
  override readonly name: string = "RateLimitError";
  /** @param retryAfterMs when the next one will be taken */
  constructor(
    perSecond: number,
    readonly retryAfterMs: number,
  ) {
    super("rate_limited", `more than ${perSecond} requests a second from this client`, { hint: "ask more slowly" });
  }
}

/** Nothing is computed for a request that nobody waits for any more. */
export class DeadlineError extends SaccadeError {
  override readonly name: string = "DeadlineError";
  constructor(afterMs: number) {
    super("deadline", `the request's time was over after ${Math.round(afterMs)} ms, before its turn came`);
  }
}

/** The server, or a model, takes nothing new. */
export class DrainingError extends SaccadeError {
  override readonly name: string = "DrainingError";
  constructor(what = "the server is stopping", code = "draining") {
    super(code, what, { hint: "try again in a moment" });
  }
}

/** A model that is there but does not answer yet, or not any more. */
export class NotReadyError extends DrainingError {
  override readonly name: string = "NotReadyError";
  constructor(model: string, state: string) {
    super(`the model ${model} is ${state}`, "not_ready");
  }
}

/** Who asks may not. */
export class UnauthorizedError extends SaccadeError {
  override readonly name: string = "UnauthorizedError";
  constructor() {
    super("unauthorized", "a bearer token that this server knows is needed", {
      hint: "send the header Authorization: Bearer TOKEN",
    });
  }
}

/** A request that HTTP itself has a word for, such as a method that an address does not have. */
export class RequestError extends SaccadeError {
  override readonly name: string = "RequestError";
  constructor(
    readonly status: 404 | 405 | 408 | 411 | 413 | 415 | 421 | 424,
    code: string,
    message: string,
    hint?: string,
  ) {
    super(code, message, hint === undefined ? {} : { hint });
  }
}

/** Status by code; what is not here is a fault of the server. */
const STATUS: Readonly<Record<string, number>> = {
  usage: 400,
  format: 400,
  shape: 400,
  image_empty: 422,
  image_truncated: 422,
  not_an_image: 415,
  image_unsupported: 415,
  image_decoder_missing: 501,
  image_pixels: 400,
  image: 422,
  not_found: 404,
  limit: 413,
  unauthorized: 401,
  overloaded: 429,
  rate_limited: 429,
  draining: 503,
  not_ready: 503,
  deadline: 504,
  aborted: 499, // nobody is there to read it; logs and metrics do
};

export function statusOf(error: unknown): number {
  if (error instanceof RequestError) return error.status;
  if (error instanceof SaccadeError) return STATUS[error.code] ?? 500;
  return 500;
}

/** Seconds after which asking again makes sense; undefined where it does not. */
export function retryAfterSeconds(error: unknown): number | undefined {
  if (error instanceof RateLimitError) return Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  const status = statusOf(error);
  return status === 429 || status === 503 ? 1 : undefined;
}

/** What a client is told: of failures that are not ours, nothing but that there was one. */
export function describeFailure(error: unknown, requestId: string) {
  const isOurs =
    error instanceof SaccadeError && (statusOf(error) < 500 || statusOf(error) === 501 || statusOf(error) > 502);
  if (!isOurs)
    return { error: { code: "internal", message: "the server failed; its log says why", request_id: requestId } };
  const { code, message, hint } = error;
  return { error: { code, message, ...(hint === undefined ? {} : { hint }), request_id: requestId } };
}
