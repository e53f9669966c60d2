// Where things are kept on this machine.
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownPackage } from "./package-files.ts";

/** `SACCADE_CACHE`, else the platform's cache folder. */
function cacheFolder(environment: NodeJS.ProcessEnv): string {
  if (environment.SACCADE_CACHE) return environment.SACCADE_CACHE;
  if (process.platform === "win32")
    return join(environment.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "saccade");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "saccade");
  return join(environment.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "saccade");
}

export const nodeFolders = {
  get cache(): string {
    return cacheFolder(process.env);
  },
  /** `models/` at the package's root, beside both src/ and dist/. */
  get bundledModels(): string {
    return fileURLToPath(new URL("models/", ownPackage().root));
  },
};
