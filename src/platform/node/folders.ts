// Where things are kept on this machine.
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownPackage } from "./package-files.ts";

/** `SACCADE_CACHE`, else the platform's cache folder. */
function cacheFolder(environment: NodeJS.ProcessEnv): string {
  if (environment.SACCADE_CACHE) return environment.SACCADE_CACHE;
  if (process.platform === "win32")
    return join(placeOf(environment.LOCALAPPDATA) ?? join(homedir(), "AppData", "Local"), "saccade");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "saccade");
  return join(placeOf(environment.XDG_CACHE_HOME) ?? join(homedir(), ".cache"), "saccade");
}

/** An empty place is none, and a relative one is not to be heeded (XDG Base Directory Specification): it would be another in every folder. */
const placeOf = (folder: string | undefined): string | undefined =>
  folder !== undefined && isAbsolute(folder) ? folder : undefined;

export const nodeFolders = {
  get cache(): string {
    return cacheFolder(process.env);
  },
  /** `models/` at the package's root, beside both src/ and dist/. */
  get bundledModels(): string {
    return fileURLToPath(new URL("models/", ownPackage().root));
  },
};
