// The HTTP application: what every request goes through, and the routes of its two protocols. It is a function from a Request to a Response; who
// listens, and where, is the platform's.
import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { cors } from "hono/cors";
import type { NodeHost } from "../platform/node/host.ts";
import { type BearerTokens, RateLimit } from "./access.ts";
import { BodyMemory } from "./api/body.ts";
import { apiRoutes } from "./api/routes.ts";
import type { ServerConfig } from "./config.ts";
import { beginFailure } from "./failed-request.ts";
import { describeFailure, RequestError, UnauthorizedError } from "./failures.ts";
import { inferenceRoutes } from "./inference-protocol/routes.ts";
import type { ServerLog } from "./log.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { DecodingMemory } from "./models/decoding-memory.ts";
import type { ModelRepository } from "./models/repository.ts";
import type { ServedSearch } from "./models/served-search.ts";
import { openApiRoutes } from "./openapi.ts";
import type { Clock } from "./queue/batch-queue.ts";
import { traceRequest } from "./tracing.ts";

/** What routes are made of. */
export interface Service {
  readonly host: NodeHost;
  readonly config: ServerConfig;
  readonly clock: Clock;
  readonly repository: ModelRepository;
  readonly search: ServedSearch | undefined;
  readonly decoding: DecodingMemory;
  readonly metrics: ServerMetrics;
  readonly log: ServerLog;
  readonly bodies: { readonly maxBodyBytes: number; readonly maxPictures: number; readonly memory: BodyMemory };
}

/** What a request knows of where it comes from. */
export interface Connection {
  /** The other side's address. */
  readonly remote: string;
}

export interface ServerEnvironment {
  Bindings: Partial<Connection>;
  Variables: {
    requestId: string;
    /** The model that answered, for the log. */
    model?: string;
    /** Why there is no answer, for the log. */
    failure?: unknown;
  };
}

export interface AppOptions extends Omit<Service, "bodies"> {
  /** The text of the file with bearer tokens. */
  readonly tokens: BearerTokens | undefined;
}

/** Bodies that are being read, all together. */
const BODY_BYTES = 2 ** 28;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** What watches over servers may always ask. */
const HEALTH = new Set(["/livez", "/readyz", "/v2/health/live", "/v2/health/ready"]);
/** Names under which programs on this machine may ask a server that listens to it alone. Any other is a stranger's that was made to point here. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export type ServerApp = Hono<ServerEnvironment>;

export function createApp({ tokens, ...options }: AppOptions): ServerApp {
  const { config, clock, metrics, log, repository } = options;
  const service: Service = {
    ...options,
    bodies: {
      maxBodyBytes: config.max_body_bytes,
      maxPictures: config.max_pictures,
      memory: new BodyMemory(Math.max(BODY_BYTES, config.max_body_bytes), clock),
    },
  };
  const rate = config.rate_limit === undefined ? undefined : new RateLimit(config.rate_limit, clock);
  const isLocal = LOOPBACK.test(config.host) || config.host === "::1";
  const app: ServerApp = new Hono<ServerEnvironment>();

  app.use(async (c, next) => {
    const began = clock.now();
    const given = c.req.header("x-request-id");
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
    c.set("requestId", requestId);
    let traceId: string | undefined;
    const facts = () => {
      const [route, model, failure] = [routeOf(c.req.routePath), c.get("model"), codeOf(c.get("failure"))];
      return { route, status: c.res.status, requestId, model, failure };
    };
    await traceRequest(
      c.req.raw,
      (id) => {
        traceId = id;
        return next();
      },
      facts,
    );
    c.header("X-Request-Id", requestId);
    c.header("X-Content-Type-Options", "nosniff");
    const { route, status, model } = facts();
    const milliseconds = clock.now() - began;
    metrics.request(route, status, milliseconds / 1000);
    const failure = c.get("failure");
    const said = { request_id: requestId, trace_id: traceId, method: c.req.method, route, status, model };
    const ms = Math.round(10 * milliseconds) / 10;
    if (c.res.status >= 500 && c.res.status !== 503 && c.res.status !== 504 && failure !== undefined)
      log.error("request", { ...said, ms, reason: reasonOf(failure) });
    else if (!config.quiet && !HEALTH.has(route)) log.info("request", { ...said, ms, code: codeOf(failure) });
  });
  if (config.cors_origins.length > 0)
    app.use(
      cors({
        origin: [...config.cors_origins],
        allowMethods: ["GET", "POST"],
        exposeHeaders: ["X-Request-Id", "Retry-After"],
      }),
    );
  app.use(async (c, next) => {
    const name = (c.req.header("host") ?? "").replace(/:\d+$/, "");
    if (isLocal && !LOOPBACK.test(name))
      throw new RequestError(
        421,
        "misdirected",
        "this server is for this machine alone",
        "saccade serve --host says otherwise",
      );
    if (HEALTH.has(c.req.path)) return next();
    rate?.take(c.env?.remote ?? "");
    tokens?.require(c.req.header("authorization"));
    return next();
  });

  app.get("/livez", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => (repository.isReady ? c.text("ok\n") : c.text("not ready\n", 503)));
  app.get("/metrics", async (c) => {
    const { body, contentType } = await metrics.text();
    return c.body(body, 200, { "Content-Type": contentType });
  });
  app.route("/", apiRoutes(service));
  app.route("/", inferenceRoutes(service));
  app.route("/", openApiRoutes());

  app.notFound((c) => {
    const error = new RequestError(
      404,
      "no_such_address",
      "there is nothing at this address",
      "GET /openapi.json lists what there is",
    );
    return failed(c, error);
  });
  app.onError((error, c) => failed(c, error));
  return app;
}

type Context = Parameters<Parameters<ServerApp["onError"]>[0]>[1];

function failed(c: Context, error: unknown): Response {
  if (error instanceof UnauthorizedError) c.header("WWW-Authenticate", "Bearer");
  const status = beginFailure(c, error);
  return c.json(describeFailure(error, c.get("requestId")), status);
}

/** The pattern of a route; what has none is counted together. */
function routeOf(pattern: string): string {
  return pattern === "/*" || pattern === "*" ? "none" : pattern;
}

/** A line for the log about what is no client's fault. */
function reasonOf(failure: unknown): string {
  return failure instanceof Error ? `${failure.name}: ${failure.message.split("\n")[0]}` : "unknown";
}

function codeOf(failure: unknown): string | undefined {
  if (failure === undefined) return undefined;
  return failure instanceof Error && "code" in failure ? String(failure.code) : "internal";
}
