// Bytes of a video as a file that only this user can read, because programs beside this process open files. It goes when the video is closed, or
// when this process ends.
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();
let isExitWatched = false;

export async function writePrivateFile(bytes: Uint8Array): Promise<{ path: string; release: () => Promise<void> }> {
  if (!isExitWatched) {
    isExitWatched = true;
    process.once("exit", () => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    });
  }
  const folder = await mkdtemp(join(tmpdir(), "saccade-video-"));
  folders.add(folder);
  const release = async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    folders.delete(folder);
  };
  const path = join(folder, "video");
  try {
    await writeFile(path, bytes, { mode: 0o600, flag: "wx" });
  } catch (error) {
    await release();
    throw error;
  }
  return { path, release };
}
