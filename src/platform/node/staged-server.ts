// The worker's side of a staged session in Node.
import type { MessagePort } from "node:worker_threads";
import { serveRequests } from "../engine/serve-requests.ts";
import { stagedService } from "../engine/staged-service.ts";
import type { EngineLoaders } from "./engine.ts";
import { engineOpener, serverPort } from "./engine-port.ts";

/** Serves one staged session over `port` until it is disposed. */
export function serveStages(port: MessagePort, loaders: EngineLoaders): void {
  const server = serverPort(port);
  serveRequests(server, stagedService(server, engineOpener(loaders)));
}
