// How tests start `saccade` as a process of its own.
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

/**
 * The program and the arguments before those of `saccade`: this checkout's sources, or the build in the folder that the variable `SACCADE_BUILT` names, whose processes start within a
 * fraction of the time. Sources are the default because a build may be older than they are.
 */
export function programCommand(): readonly [program: string, ...before: string[]] {
  const built = process.env.SACCADE_BUILT;
  if (built !== undefined) return [process.execPath, resolve(ROOT, built, "cli/main.js")];
  return [process.execPath, "--import", "tsx", resolve(ROOT, "src/cli/main.ts")];
}
