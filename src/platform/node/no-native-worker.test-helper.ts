// A session's worker on a machine where the native build does not load.
import { parentPort } from "node:worker_threads";
import { ENGINE_LOADERS } from "./engine.ts";
import { serveEngine } from "./engine-server.ts";

serveEngine(parentPort!, {
  ...ENGINE_LOADERS,
  native: () =>
    Promise.reject(
      Object.assign(new Error("/lib/libc.so.6: version `GLIBC_2.34' not found"), { code: "ERR_DLOPEN_FAILED" }),
    ),
});
