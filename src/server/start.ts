// A server from its configuration to its end: loads the models while it answers that it is not ready yet, and drains when it is told to stop.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { NodeHost } from "../platform/node/host.ts";
import { serveHttp } from "../platform/node/http-server.ts";
import { decodeText } from "../text-file.ts";
import { BearerTokens } from "./access.ts";
import { createApp } from "./app.ts";
import { processClock } from "./clock.ts";
import type { ServerConfig } from "./config.ts";
import type { ServerLog } from "./log.ts";
import { ServerMetrics } from "./metrics.ts";
import { DecodingMemory } from "./models/decoding-memory.ts";
import { ModelRepository } from "./models/repository.ts";
import { ServedSearch } from "./models/served-search.ts";

export interface StartOptions {
  readonly log: ServerLog;
  readonly onNotice: (line: string) => void;
  /** Files for people at "/". */
  readonly page?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
}

export interface RunningServer {
  readonly url: string;
  /** Resolves when all models are loaded; rejects with why one is not. */
  readonly ready: Promise<void>;
  /** Takes nothing new, answers what was taken, frees everything. What is still open after `drain_ms` is cut off. */
  stop(): Promise<void>;
}

/** After a request's turn has come: for its run, and for the client to read the answer. */
const RUN_AND_READ_MS = 120_000;
const MOST_FILE_BYTES = 2 ** 20;

/** @throws what reading its files and listening throw */
export async function startServer(
  host: NodeHost,
  config: ServerConfig,
  { log, onNotice, page }: StartOptions,
): Promise<RunningServer> {
  const clock = processClock;
  const metrics = new ServerMetrics();
  const read = (path: string) => host.files.read(path, { maxBytes: MOST_FILE_BYTES });
  const { auth_file: authFile, tls_cert: cert, tls_key: key } = config;
  const tokens =
    authFile === undefined ? undefined : new BearerTokens(decodeText(await read(authFile), authFile), authFile);
  const tls = cert === undefined || key === undefined ? undefined : { cert: await read(cert), key: await read(key) };
  const decoding = new DecodingMemory();
  const repository = new ModelRepository({ host, config, clock, metrics, decoding, onNotice });
  const search =
    config.index === undefined ? undefined : await ServedSearch.open(config.index, host, config, clock, metrics);
  const app = createApp({ host, config, clock, repository, search, decoding, metrics, log, tokens });
  const http = await serveHttp({
    ...{ host: config.host, port: config.port, tls, page, requestTimeoutMs: config.receive_timeout_ms },
    idleTimeoutMs: config.timeout_ms + RUN_AND_READ_MS,
    fetch: (request, connection) => app.fetch(request, connection),
  });
  log.info("listening", { url: http.url });
  const ready = (async () => {
    for (const model of repository.models) {
      const began = clock.now();
      await repository.load(model);
      const ms = Math.round(clock.now() - began);
      log.info("loaded", { model: model.name, version: model.version, device: model.tasks?.device, ms });
    }
  })();
  ready.catch(() => undefined); // whoever wants to know awaits it
  return {
    url: http.url,
    ready,
    async stop() {
      log.info("draining");
      repository.beginStop();
      http.beginClose();
      await new Promise((resolve) => setTimeout(resolve, config.grace_ms));
      const cut = new AbortController();
      const timer = setTimeout(() => cut.abort(), config.drain_ms);
      // Connections first: what is on them is answered, and nobody is refused by a model that has gone already.
      await http.close(cut.signal);
      clearTimeout(timer);
      await ready.catch(() => undefined);
      await Promise.all([repository.drain(), search?.close()]);
      log.info("stopped");
    },
  };
}
