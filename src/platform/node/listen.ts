// A server on a port, or why it cannot have it.
import type { Server } from "node:net";
import { SessionError } from "../../errors.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** The command that serves, for messages: "page". */
  readonly what: string;
}

/** The port that it listens on. Throws SessionError. */
export function listen(server: Server, { host, port, what }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, port, what)));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number, what: string): Error {
  if (cause.code === "EADDRINUSE")
    return new SessionError(`port ${port} is taken by another program, perhaps by another saccade ${what}`, {
      hint: "take another one, or any that is free with --port 0",
      cause,
    });
  if (cause.code === "EACCES")
    return new SessionError(`port ${port} may not be used here`, { hint: "take one above 1023", cause });
  return new SessionError(`${host}:${port} cannot be listened on: ${cause.message}`, { cause });
}
