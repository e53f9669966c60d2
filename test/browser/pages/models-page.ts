// Models from wherever a page has them, read without an engine; and what the browser keeps of them.
import {
  type CachedModel,
  cachedModels,
  type ExportModelOptions,
  exportOnnx,
  files,
  forgetModels,
  type ModelSource,
  pullModel,
} from "../../../src/web.ts";
import { expose, fetchBytes } from "./expose.ts";

export interface Loaded {
  /** Bytes of the model as one ONNX file. */
  readonly bytes: number;
  readonly progress: readonly { readonly received: number; readonly total?: number | undefined }[];
  readonly notices: readonly string[];
}

/** How files that the test put there become what a page has as a model. */
const KINDS = {
  File: async (names: readonly string[]) => fileOf(names[0]!),
  Blob: async (names: readonly string[]) => new Blob([await fetchBytes(names[0]!)]),
  bytes: async (names: readonly string[]) => fetchBytes(names[0]!),
  Response: async (names: readonly string[]) => fetch(names[0]!),
  "list of files": async (names: readonly string[]) => Promise.all(names.map(fileOf)),
  "files of a folder": async (names: readonly string[]) => {
    const files = await Promise.all(names.map(fileOf));
    for (const file of files) Object.defineProperty(file, "webkitRelativePath", { value: `my-model/${file.name}` });
    return files;
  },
  "folder handle": async (names: readonly string[]) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("chosen", { create: true });
    for (const name of names) await write(folder, await fileOf(name));
    return folder;
  },
  "file handle": async (names: readonly string[]) =>
    write(await navigator.storage.getDirectory(), await fileOf(names[0]!)),
} satisfies Record<string, (names: readonly string[]) => Promise<ModelSource>>;

export type ModelKind = keyof typeof KINDS;

const api = {
  kinds: () => Object.keys(KINDS) as ModelKind[],
  chosen: async (kind: ModelKind, names: readonly string[], given: Given = {}) => load(await KINDS[kind](names), given),
  /** A name, an address, or a path in the storage. */
  named: (source: string, given: Given = {}) => load(source, given),
  pull: (name: string, from: string) => pullModel(name, { from }),
  cached: (): Promise<CachedModel[]> => cachedModels(),
  forget: (): Promise<number> => forgetModels(),
  /** Copies what the test put there into the storage. */
  async store(path: string, from: string) {
    await files.makeDirectory(files.join(path, ".."));
    await files.writeAtomic(path, await fetchBytes(from));
  },
  /** A file that changes after it was chosen. */
  async changed() {
    const root = await navigator.storage.getDirectory();
    const handle = await write(root, new File(["before"], "changing.onnx"));
    const file = await handle.getFile();
    await write(root, new File(["after, and longer"], "changing.onnx"));
    await load(file);
  },
};

export type ModelsApi = typeof api;

interface Given extends Pick<ExportModelOptions, "architecture" | "config"> {
  readonly sha256?: string;
  /** Aborts when more bytes than these have come. */
  readonly abortAfter?: number;
}

async function load(source: ModelSource, { abortAfter, ...given }: Given = {}): Promise<Loaded> {
  const progress: { received: number; total: number | undefined }[] = [];
  const notices: string[] = [];
  const stop = new AbortController();
  const bytes = await exportOnnx(source, {
    verify: false,
    signal: stop.signal,
    onNotice: (line) => notices.push(line),
    onProgress: ({ received, total }) => {
      progress.push({ received, total });
      if (abortAfter !== undefined && received > abortAfter) stop.abort();
    },
    ...given,
  });
  return { bytes: bytes.length, progress, notices };
}

async function fileOf(path: string): Promise<File> {
  return new File([await fetchBytes(path)], path.replace(/^.*\//, ""));
}

async function write(folder: FileSystemDirectoryHandle, file: File): Promise<FileSystemFileHandle> {
  const handle = await folder.getFileHandle(file.name, { create: true });
  const writable = await handle.createWritable();
  await writable.write(file);
  await writable.close();
  return handle;
}

expose(api);
