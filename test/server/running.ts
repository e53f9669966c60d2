// A server of toy models in this process, on a port that the system gives.
import { readFileSync } from "node:fs";
import { nodeHost } from "../../src/platform/node/host.ts";
import { serverConfig } from "../../src/server/config.ts";
import { jsonLog } from "../../src/server/log.ts";
import { type RunningServer, type StartOptions, startServer } from "../../src/server/start.ts";

export interface TestServer extends RunningServer {
  /** Lines of its log, parsed. */
  readonly log: Record<string, unknown>[];
  /** A request to it; the path begins with "/". */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** Starts one and waits for its models. Batches are given, so that nothing is measured. */
export async function runServer(
  models: readonly string[],
  flags: Readonly<Record<string, string | boolean>> = {},
  page?: StartOptions["page"],
): Promise<TestServer> {
  const usual = {
    port: "0",
    device: "cpu",
    sessions: "1",
    threads: "1",
    maxBatch: "4",
    maxDelayMs: "1",
    apiOnly: true,
  };
  const config = serverConfig({ models, flags: { ...usual, ...flags }, environment: {} });
  const log: Record<string, unknown>[] = [];
  const options = {
    log: jsonLog((line) => log.push(JSON.parse(line) as Record<string, unknown>)),
    onNotice: () => undefined,
    page,
  };
  const server = await startServer(nodeHost, config, options);
  await server.ready;
  const ask = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init);
  return { url: server.url, ready: server.ready, stop: () => server.stop(), log, ask };
}

/** A picture's file as a request takes it. */
export const fileBytes = (path: string): Uint8Array<ArrayBuffer> => Uint8Array.from(readFileSync(path));

/** POST with a body as it is. */
export const post = (body: NonNullable<RequestInit["body"]>, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body,
  headers,
});
