// How tests start `saccade` as a process of its own.
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

type Command = readonly [program: string, ...before: string[]];

/**
 * The program and the arguments before those of `saccade`: this checkout's sources, or the build in the folder that the variable `SACCADE_BUILT` names, whose processes start within a
 * fraction of the time. Sources are the default because a build may be older than they are.
 */
export function programCommand(): Command {
  return commandOf(process.env.SACCADE_BUILT);
}

/** As the sources are, or as they are built in a folder. */
export function commandOf(built: string | undefined): Command {
  if (built !== undefined) return [process.execPath, resolve(ROOT, built, "cli/main.js")];
  return [process.execPath, "--import", "tsx", resolve(ROOT, "src/cli/main.ts")];
}
