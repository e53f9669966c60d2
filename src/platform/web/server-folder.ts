// A folder on a server, as a person names it by its address. Servers do not list what they have: files are found by asking for them.
import { folderAddress } from "./bundled-models.ts";
import { type DownloadOptions, download, lookFor } from "./download.ts";
import { type Mount, type MountEntry, wholeFile } from "./mounts.ts";
import { joinPath } from "./paths.ts";

/** @param url of the folder */
export function serverFolder(url: string | URL, options: DownloadOptions): Mount {
  const folder = folderAddress(url);
  const found = new Map<string, Promise<MountEntry | undefined>>();
  const look = async (path: string): Promise<MountEntry | undefined> => {
    const address = new URL(path.split("/").map(encodeURIComponent).join("/"), folder);
    address.search = folder.search;
    const file = await lookFor(address, options);
    return file && wholeFile(file.size, () => download(address, options));
  };
  return {
    root: joinPath(folder.origin + decodeURIComponent(folder.pathname)),
    async entry(path) {
      if (path === "") return { kind: "folder", names: [] };
      // A model's folder is asked about the same file more than once.
      const known = found.get(path) ?? look(path);
      found.set(path, known);
      return known;
    },
  };
}
