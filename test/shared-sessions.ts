// Tests that open the same small model many times wait for its session once.
import { createHash } from "node:crypto";
import type { nodeHost } from "../src/platform/node/host.ts";
import type { Session, SessionOptions } from "../src/runtime/session.ts";

type Opened = ReturnType<(typeof nodeHost)["createSession"]>;

/** A host that opens a session for the same bytes once. They end with the process, whoever disposes of them. */
export function sharingSessions<H extends Pick<typeof nodeHost, "createSession">>(host: H): H {
  const opened = new Map<string, Opened>();
  return {
    ...host,
    createSession(model: Uint8Array, options?: SessionOptions): Opened {
      const key = createHash("sha256").update(model).digest("hex");
      const session = opened.get(key) ?? host.createSession(model, options).then(undying);
      opened.set(key, session);
      return session;
    },
  };
}

function undying<S extends Session>(session: S): S {
  return new Proxy(session, {
    get(of, name) {
      if (name === "dispose") return async () => undefined;
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
}
