// What a picture file is, by its name: one rule for folders that are classified and for data sets. What a file really holds, its first bytes say
// (sniff.ts).

/** The last part of a path, whichever way its slashes lean. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

/** The words after the last dot, lower case: "jpg". "" without a dot. */
export function extensionOf(path: string): string {
  const name = baseName(path);
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase();
}

/** Of files whose pictures are decoded here. */
const PICTURE_EXTENSIONS: ReadonlySet<string> = new Set([
  "jpg",
  "jpeg",
  "jpe",
  "jfif",
  "png",
  "webp",
  "gif",
  "avif",
  "tif",
  "tiff",
  "bmp",
  "heic",
  "heif",
]);

/** What a folder lists. */
export interface NamedEntry {
  readonly path: string;
  readonly isDirectory: boolean;
}

/**
 * Whether systems and other programs leave files and folders of this name behind: nobody's pictures, and nobody's work. `._cat.jpg` is what
 * macOS knows about `cat.jpg`, `.thumbs` and `@eaDir` hold small copies.
 */
export function isHidden({ path }: Pick<NamedEntry, "path">): boolean {
  return /^(\.|(Thumbs\.db|ehthumbs\.db|desktop\.ini|__MACOSX|@eaDir)$)/i.test(baseName(path));
}

/** Whether a file's name promises a picture of a kind that is decoded here. */
export function isPictureName(path: string): boolean {
  return PICTURE_EXTENSIONS.has(extensionOf(path)) && !isHidden({ path });
}

/** The pictures among a folder's entries and the folders to look into, in their order. The others are counted in `leftOut`. */
export function picturesAndFolders<E extends NamedEntry>(entries: readonly E[], leftOut: LeftOut): E[] {
  return wantedAndFolders(entries, isPictureName, leftOut);
}

/** The same of files whose names `isName` says are wanted. */
export function wantedAndFolders<E extends NamedEntry>(
  entries: readonly E[],
  isName: (path: string) => boolean,
  leftOut: LeftOut,
): E[] {
  return entries.filter((entry) => {
    const isWanted = entry.isDirectory ? !isHidden(entry) : isName(entry.path);
    if (!isWanted) leftOut.add(entry);
    return isWanted;
  });
}

const MOST_KINDS = 6;

/** How many files of which kind were not taken for pictures. */
export class LeftOut {
  readonly #counts = new Map<string, number>();

  add(entry: NamedEntry): void {
    this.#count(kindOf(entry), 1);
  }

  /** Adds what another has counted. */
  include(other: LeftOut): void {
    for (const [kind, count] of other.#counts) this.#count(kind, count);
  }

  /** "3 hidden files, 2 .txt", most frequent first; "" when nothing was left out. */
  describe(): string {
    const kinds = [...this.#counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
    const named = kinds.slice(0, MOST_KINDS).map(([kind, count]) => `${count} ${count === 1 ? kind : plural(kind)}`);
    const rest = kinds.slice(MOST_KINDS).reduce((sum, [, count]) => sum + count, 0);
    return [...named, ...(rest === 0 ? [] : [`${rest} of other kinds`])].join(", ");
  }

  #count(kind: string, count: number): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
  }
}

function kindOf(entry: NamedEntry): string {
  if (isHidden(entry)) return entry.isDirectory ? "hidden folder" : "hidden file";
  const extension = extensionOf(entry.path);
  if (extension === "") return "file without an extension";
  return /^[a-z0-9_+-]{1,12}$/.test(extension) ? `.${extension}` : "file of another kind";
}

const plural = (kind: string): string => (kind.startsWith(".") ? kind : kind.replace(/^(.*?)(file|folder)/, "$1$2s"));
