// Spans of OpenTelemetry: one for each request, which goes on with its client's trace, and below it what each picture waited for. Without an SDK in the process
// the API does nothing, and costs nothing. As in logs, no picture, label or name of a file is in them.
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { version } from "../version.ts";
import type { Answer } from "./models/served-task.ts";

const tracer = trace.getTracer("saccade", version);

const HEADERS = {
  keys: (headers: Headers) => [...headers.keys()],
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
};

export interface RequestFacts {
  readonly route: string;
  readonly status: number;
  readonly requestId: string;
  readonly model: string | undefined;
  /** A failure's code. */
  readonly failure: string | undefined;
}

/** Answers a request within a span. @param facts what is known of it when it is answered */
export async function traceRequest(
  { method, headers }: { readonly method: string; readonly headers: Headers },
  answer: (traceId: string | undefined) => Promise<void>,
  facts: () => RequestFacts,
): Promise<void> {
  const caller = propagation.extract(context.active(), headers, HEADERS);
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, caller);
  const { traceId } = span.spanContext();
  try {
    await context.with(trace.setSpan(caller, span), answer, undefined, span.isRecording() ? traceId : undefined);
  } finally {
    if (span.isRecording()) describe(span, method, facts());
    span.end();
  }
}

function describe(span: Span, method: string, { route, status, requestId, model, failure }: RequestFacts): void {
  span.updateName(`${method} ${route}`);
  span.setAttributes({
    ...{ "http.request.method": method, "http.route": route, "http.response.status_code": status },
    "saccade.request_id": requestId,
    ...(model === undefined ? {} : { "saccade.model": model }),
    ...(failure === undefined ? {} : { "error.type": failure }),
  });
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
}

/** What a picture that was answered now has waited for: decoding, its turn, its run. @param now on `performance.now()`'s clock */
export function tracePhases(
  { decodeMs, queueMs, runMs, batchSize, costShare }: Omit<Answer<unknown>, "answer">,
  labels: { readonly model: string; readonly version: string; readonly task: string },
  now: number,
): void {
  if (trace.getActiveSpan()?.isRecording() !== true) return;
  const attributes = {
    ...{ "saccade.model": labels.model, "saccade.version": labels.version, "saccade.task": labels.task },
    ...{ "saccade.batch_size": batchSize, "saccade.cost_share": costShare },
  };
  let startTime = now - runMs - queueMs - decodeMs;
  for (const [name, milliseconds] of [
    ["decode", decodeMs] as const,
    ["queue", queueMs] as const,
    ["run", runMs] as const,
  ]) {
    tracer.startSpan(name, { startTime, attributes }).end(startTime + milliseconds);
    startTime += milliseconds;
  }
}
