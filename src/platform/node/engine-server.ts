// The worker's side of a session in Node.
import type { MessagePort } from "node:worker_threads";
import { serveRequests } from "../engine/serve-requests.ts";
import { sessionService } from "../engine/session-service.ts";
import type { EngineLoaders } from "./engine.ts";
import { engineOpener, serverPort } from "./engine-port.ts";

/** Serves one session over `port` until it is disposed. */
export function serveEngine(port: MessagePort, loaders: EngineLoaders): void {
  const server = serverPort(port);
  serveRequests(server, sessionService(server, engineOpener(loaders)));
}
