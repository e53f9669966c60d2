// Entry of a session's worker, of one model or of several stages: its first message says which.
import type { ToWorker } from "../engine/protocol.ts";
import { serveRequests } from "../engine/serve-requests.ts";
import { sessionService } from "../engine/session-service.ts";
import type { ToStagedWorker } from "../engine/staged-protocol.ts";
import { stagedService } from "../engine/staged-service.ts";
import { type WorkerScope, workerPort } from "./engine-port.ts";
import { engineOpener, type PageSurroundings } from "./open-engine.ts";

type Request = Exclude<ToWorker<PageSurroundings> | ToStagedWorker<PageSurroundings>, { type: "dispose" }>;

const port = workerPort(globalThis as unknown as WorkerScope);
const open = engineOpener((failure) => port.die(failure));
const session = sessionService(port, open);
const stages = stagedService(port, open);
serveRequests<Request>(port, {
  handlers: { ...session.handlers, ...stages.handlers },
  release: () => Promise.all([session.release(), stages.release()]),
});
