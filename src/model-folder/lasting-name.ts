// What a file that names a model keeps of its name.
import type { Files } from "../platform/host.ts";

interface NamingHost {
  readonly files: Pick<Files, "stat">;
  absolutePath(path: string): string;
}

/** A path that is still one where the file is read from another folder; a registered name as it is. */
export async function lastingName({ files, absolutePath }: NamingHost, model: string): Promise<string> {
  return (await files.stat(model)) === undefined ? model : absolutePath(model);
}
