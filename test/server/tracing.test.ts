// Spans, where an SDK is in the process: a request's goes on with its client's trace, and what its picture waited for is below it.

import { join } from "node:path";
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PASTORAL, temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { fileBytes, post, runServer, type TestServer } from "./running.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

const exporter = new InMemorySpanExporter();
let server: TestServer;
beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator({
    inject: () => undefined,
    extract(of, carrier, { get }) {
      const [, traceId = "", spanId = ""] = String(get(carrier, "traceparent") ?? "").split("-");
      return traceId === "" ? of : trace.setSpanContext(of, { traceId, spanId, traceFlags: 1, isRemote: true });
    },
    fields: () => ["traceparent"],
  });
  server = await runServer([`vit=${await writeVit(join(temporaryFolder(), "vit"))}`]);
}, 60_000);
afterAll(async () => {
  await server.stop();
  trace.disable();
  context.disable();
  propagation.disable();
});

test("a request's span has the client's for its parent, and phases for its children", async () => {
  exporter.reset();
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, "x-request-id": "mine-1" };
  await server.ask("/v1/classify?model=vit", post(fileBytes(PASTORAL), headers));
  const spans = exporter.getFinishedSpans();
  expect(spans.map(({ name }) => name)).toEqual(["decode", "queue", "run", "POST /v1/classify"]);
  const [decode, queue, run, request] = spans;
  expect(request!.spanContext().traceId).toBe(TRACE);
  expect(request!.parentSpanContext?.spanId).toBe(PARENT);
  expect(request!.attributes).toEqual({
    "http.request.method": "POST",
    "http.route": "/v1/classify",
    "http.response.status_code": 200,
    "saccade.request_id": "mine-1",
    "saccade.model": "vit",
  });
  for (const phase of [decode, queue, run])
    expect(phase!.parentSpanContext?.spanId).toBe(request!.spanContext().spanId);
  expect(run!.attributes).toMatchObject({ "saccade.batch_size": 1, "saccade.task": "classify" });
  const at = ([seconds, nanoseconds]: readonly [number, number]) => 1e3 * seconds + nanoseconds / 1e6;
  expect(at(queue!.startTime)).toBeGreaterThanOrEqual(at(decode!.startTime));
  expect(at(run!.endTime)).toBeLessThanOrEqual(at(request!.endTime) + 1);
  expect(server.log.find(({ request_id }) => request_id === "mine-1")).toMatchObject({ trace_id: TRACE });
});

test("a request that fails says why", async () => {
  exporter.reset();
  await server.ask("/v1/classify?model=vti", post("x"));
  const [span] = exporter.getFinishedSpans();
  expect(span).toMatchObject({
    name: "POST /v1/classify",
    attributes: { "error.type": "not_found" },
    status: { code: 0 },
  });
});
