// ffmpeg and ffprobe, where the PATH has them. They stay programs of their own: nothing of theirs comes into this package or this process.
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";

export interface Ffmpeg {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** "5.1.9-0+deb12u1" */
  readonly version: string;
  /** What keeps the times of frames as they are: "-fps_mode" since 5.1, "-vsync" before. */
  readonly passThrough: readonly [string, string];
}

/** What was found, by the PATH it was looked for on. */
const found = new Map<string, Promise<Ffmpeg | undefined>>();

/** Both programs; undefined where one is missing or does not run. */
export function findFfmpeg(): Promise<Ffmpeg | undefined> {
  const path = process.env.PATH ?? "";
  const known = found.get(path);
  if (known !== undefined) return known;
  const search = look(path);
  found.set(path, search);
  return search;
}

async function look(path: string): Promise<Ffmpeg | undefined> {
  const [ffmpeg, ffprobe] = await Promise.all([findProgram("ffmpeg", path), findProgram("ffprobe", path)]);
  if (ffmpeg === undefined || ffprobe === undefined) return undefined;
  try {
    const { stdout } = await promisify(execFile)(ffmpeg, ["-version"], {
      timeout: 20_000,
      killSignal: "SIGKILL", // what hangs may not listen to less
      windowsHide: true,
    });
    const version = /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? "unknown";
    return {
      ffmpeg,
      ffprobe,
      version,
      passThrough: isBefore5_1(version) ? ["-vsync", "0"] : ["-fps_mode", "passthrough"],
    };
  } catch {
    return undefined; // it is there and does not run: of another machine, or damaged
  }
}

/** Builds between releases ("N-112345-g…") are new. */
function isBefore5_1(version: string): boolean {
  const [, major, minor] = /^n?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return false;
  return Number(major) < 5 || (Number(major) === 5 && Number(minor) < 1);
}

/** The absolute path of a program. The working folder is no place to look in, whatever the system thinks. */
async function findProgram(name: string, path: string): Promise<string | undefined> {
  const file = process.platform === "win32" ? `${name}.exe` : name;
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const candidate = join(folder, file);
    const isThere = await access(candidate, constants.X_OK).then(
      async () => (await stat(candidate)).isFile(),
      () => false,
    );
    if (isThere) return candidate;
  }
  return undefined;
}
