// What a page hands over as a model, as paths or bytes that the library reads: addresses are fetched, files and folders that a person has chosen are laid over
// the page's own files. Names and paths stay what they are.
import { type ByteSource, describeValue } from "../../byte-sources.ts";
import { UsageError } from "../../errors.ts";
import { addressOf, isAddress } from "./address.ts";
import { bundledModels } from "./bundled-models.ts";
import { type DownloadOptions, download } from "./download.ts";
import { chosenFiles, chosenFolder, type Mount, MountedFiles, wholeFile } from "./mounts.ts";
import { joinPath } from "./paths.ts";
import { pulledModels } from "./pulled-models.ts";
import { serverFolder } from "./server-folder.ts";
import type { WebFiles } from "./web-files.ts";

/**
 * A registered or bundled name; an address (a string that begins with "https://", "/" or "./", or a URL) of a model file, or of a model folder, which ends in "/";
 * a file that a person has chosen, several of them, or a folder (its handle, or the list of its files); the bytes of a file, or the Response of
 * a fetch; or the path of what was saved in the browser's storage.
 */
export type WebModelSource =
  | string
  | URL
  | ByteSource
  | FileSystemFileHandle
  | FileSystemDirectoryHandle
  | FileList
  | readonly File[];

/** Of what is fetched. */
export type FetchOptions = Omit<DownloadOptions, "path" | "maxBytes" | "check">;

export interface OpenedSource {
  /** What the library reads it from. */
  readonly files: WebFiles;
  readonly source: string | ByteSource;
}

/** Where chosen files are. */
const CHOSEN = "(chosen)";

/** @throws UsageError for what is no model; NetworkError, FormatError, AbortedError for an address */
export async function openModelSource(
  base: WebFiles,
  source: WebModelSource,
  options: FetchOptions = {},
): Promise<OpenedSource> {
  const mounted = (mounts: readonly Mount[]) =>
    new MountedFiles(base, [...mounts, bundledModels(options), pulledModels()]);
  if (typeof source === "string" && !isAddress(source)) return { files: mounted([]), source };
  if (typeof source === "string" || source instanceof URL) {
    const address = addressOf(source);
    if (address.pathname.endsWith("/")) {
      const folder = serverFolder(address, options);
      return { files: mounted([folder]), source: folder.root };
    }
    return { files: mounted([serverFile(address, options)]), source: serverPath(address) };
  }
  const chosen = await chosenMount(source);
  return chosen === undefined
    ? { files: mounted([]), source: source as ByteSource }
    : { files: mounted([chosen.mount]), source: chosen.path };
}

const serverPath = ({ href, origin, pathname, protocol }: URL) =>
  protocol === "http:" || protocol === "https:" ? joinPath(origin + decodeURIComponent(pathname)) : href.slice(0, 60);

/** One file at an address. Nothing is looked for beside it. */
function serverFile(address: URL, options: FetchOptions): Mount {
  let bytes: Promise<Uint8Array> | undefined;
  return {
    root: serverPath(address),
    async entry(path) {
      if (path !== "") return undefined;
      bytes ??= download(address, options);
      const { length } = await bytes;
      return wholeFile(length, () => bytes!);
    },
  };
}

async function chosenMount(
  source: Exclude<WebModelSource, string | URL>,
): Promise<{ readonly mount: Mount; readonly path: string } | undefined> {
  if (isHandle(source)) {
    const root = joinPath(CHOSEN, source.name);
    if (source.kind === "directory") return { mount: chosenFolder(root, source), path: root };
    return chosenFileMount([await source.getFile()]);
  }
  if (typeof File !== "undefined" && source instanceof File) return chosenFileMount([source]);
  if (Array.isArray(source) || (typeof FileList !== "undefined" && source instanceof FileList))
    return chosenFileMount([...source]);
  return undefined;
}

const isHandle = (value: unknown): value is FileSystemFileHandle | FileSystemDirectoryHandle =>
  typeof value === "object" && value !== null && "kind" in value && ("getFile" in value || "getFileHandle" in value);

/** Files as they were chosen: one, some of a folder, or all of a folder under its name. */
function chosenFileMount(files: readonly unknown[]): { readonly mount: Mount; readonly path: string } {
  const named = new Map(
    files.map((file) => {
      if (typeof file !== "object" || file === null || !("name" in file) || !("arrayBuffer" in file))
        throw new UsageError(`a model's files are Files; among these is ${describeValue(file)}`);
      const { name, webkitRelativePath } = file as File;
      return [webkitRelativePath === "" || webkitRelativePath === undefined ? name : webkitRelativePath, file as File];
    }),
  );
  const [only] = named.keys();
  if (only === undefined) throw new UsageError("no file was chosen", "choose a model's file or folder");
  const mount = chosenFiles(CHOSEN, named);
  if (named.size === 1) return { mount, path: joinPath(CHOSEN, only) };
  const [top = ""] = only.split("/");
  const isOneFolder = [...named.keys()].every((path) => path.startsWith(`${top}/`));
  return { mount, path: isOneFolder ? joinPath(CHOSEN, top) : CHOSEN };
}
