// A page's own files.
import { files } from "../../../src/web.ts";
import { expose } from "./expose.ts";

const locks: AsyncDisposable[] = [];

const api = {
  write: (path: string, text: string) => files.writeAtomic(path, text),
  append: (path: string, texts: readonly string[]) =>
    Promise.all(texts.map((text) => files.append(path, text))).then(() => undefined),
  read: async (path: string, maxBytes?: number) =>
    new TextDecoder().decode(await files.read(path, maxBytes === undefined ? {} : { maxBytes })),
  readBeside: async (path: string, name: string) => new TextDecoder().decode(await files.readBeside(path, name)),
  makeDirectory: (path: string) => files.makeDirectory(path),
  rename: (from: string, to: string) => files.rename(from, to),
  remove: (path: string) => files.remove(path),
  stat: (path: string) => files.stat(path),
  list: (path: string) => files.list(path),
  async lock(folder: string) {
    return locks.push(await files.lock(folder)) - 1;
  },
  unlock: (lock: number) => locks[lock]![Symbol.asyncDispose](),
  /** What a tab leaves that dies while it renames a folder: the note, some files at the new place, some at the old one. */
  async diesWhileMoving(from: string, to: string, moved: readonly string[]) {
    await files.makeDirectory(to);
    for (const name of moved) await files.rename(`${from}/${name}`, `${to}/${name}`);
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle("saccade");
    const writable = await (await root.getFileHandle(".move.json", { create: true })).createWritable();
    await writable.write(JSON.stringify({ from, to }));
    await writable.close();
  },
};

export type FilesApi = typeof api;

expose(api);
