// Files as browsers hand them over: from a drop (folders too), from the clipboard, from a file chooser.

/** A file, and where it lies in the folder that it came with: "cats/1.jpg". */
export interface IncomingFile {
  readonly file: File;
  /** Parts from the folder that was given down to the file's name. A file that came alone has one part. */
  readonly path: readonly string[];
}

/** Everything in a drop, folders with all they hold. To be called in the drop's own event: its items are gone afterwards. */
export async function droppedFiles(transfer: DataTransfer): Promise<IncomingFile[]> {
  const entries = [...transfer.items].flatMap((item) => (item.kind === "file" ? [item.webkitGetAsEntry()] : []));
  const plain = [...transfer.files];
  if (entries.some((entry) => entry === null)) return plain.map((file) => ({ file, path: [file.name] }));
  const found = await Promise.all(entries.map((entry) => filesUnder(entry!, [])));
  return found.flat();
}

async function filesUnder(entry: FileSystemEntry, above: readonly string[]): Promise<IncomingFile[]> {
  const path = [...above, entry.name];
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file: placed(file, path), path }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const children: FileSystemEntry[] = [];
  // A reader gives a hundred entries at a time, and none when there are no more.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    children.push(...some);
  }
  const visible = children.filter(({ name }) => !name.startsWith("."));
  return (await Promise.all(visible.map((child) => filesUnder(child, path)))).flat();
}

/** Says where a dropped file lies, as choosers of folders do: the library reads a folder from the list of its files. */
function placed(file: File, path: readonly string[]): File {
  if (path.length > 1) Object.defineProperty(file, "webkitRelativePath", { value: path.join("/") });
  return file;
}

/** What a file chooser gave; one for folders says where each file lies. */
export function chosenFiles(input: HTMLInputElement): IncomingFile[] {
  const files = [...(input.files ?? [])].map((file) => {
    const path = file.webkitRelativePath === "" ? [file.name] : file.webkitRelativePath.split("/");
    return { file, path };
  });
  input.value = ""; // so that the same file can be chosen again
  return files.filter(({ path }) => path.every((part) => !part.startsWith(".")));
}

/** Pictures in the clipboard. */
export function pastedFiles(transfer: DataTransfer | null): File[] {
  return [...(transfer?.files ?? [])];
}
