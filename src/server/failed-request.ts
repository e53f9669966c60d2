// What every answer that is none begins with, whatever the protocol: the log's reason, and the headers that HTTP has for it.
import type { Context } from "hono";
import type { ServerEnvironment } from "./app.ts";
import { retryAfterSeconds, statusOf } from "./failures.ts";

/** Notes the failure and sets its headers. The status, for an answer with a body: typed as one of these, whichever it is. */
export function beginFailure(c: Context<ServerEnvironment>, error: unknown): 500 {
  c.set("failure", error);
  const retryAfter = retryAfterSeconds(error);
  if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
  return statusOf(error) as 500;
}
