// The classes and pictures that a person taught, as signals: what the store has, and what is on its way there.
import { computed, signal } from "@preact/signals";
import type { IncomingFile } from "../incoming-files.ts";
import { ProblemError, problemOf } from "../problems.ts";
import { announce, report } from "../state/notices.ts";
import { type PreparedPicture, pictureOfFile } from "./intake.ts";
import { type StoredClass, type StoredPicture, TeachStore } from "./store/store.ts";

export const classes = signal<readonly StoredClass[]>([]);
export const pictures = signal<readonly StoredPicture[]>([]);
/** Whether what was kept has been read. */
export const isOpen = signal(false);
/** Files that are being taken in. */
export const incoming = signal<{ readonly done: number; readonly total: number } | undefined>(undefined);
/** Rises with every change, so that one knows whether what was learnt is still of these pictures. */
export const revision = signal(0);

export const picturesByClass = computed(() => {
  const groups = new Map<string, StoredPicture[]>(classes.value.map(({ id }) => [id, []]));
  for (const picture of pictures.value) groups.get(picture.classId)?.push(picture);
  return groups;
});

let opened: Promise<TeachStore> | undefined;

/** The store, and with it everything that was kept. */
export function collection(): Promise<TeachStore> {
  opened ??= open();
  return opened;
}

async function open(): Promise<TeachStore> {
  try {
    const store = await TeachStore.open();
    const kept = await store.contents();
    classes.value = kept.classes;
    pictures.value = kept.pictures;
    isOpen.value = true;
    return store;
  } catch (error) {
    opened = undefined;
    throw new ProblemError(
      "The browser gives this page no storage, so nothing can be taught here.",
      error instanceof DOMException && error.name === "QuotaExceededError"
        ? "Free some space on the disk, then reload the page."
        : "Private windows of some browsers have none: open the page in an ordinary window.",
    );
  }
}

/** Asks the browser not to throw pictures away when disks get full. It may say no. */
async function askToPersist(): Promise<void> {
  if ((await navigator.storage?.persisted?.()) === false) await navigator.storage.persist().catch(() => false);
}

const MOST_NAME_CHARACTERS = 200;

/** @returns the new class; undefined when the name is none, which is reported */
export async function addClass(name: string): Promise<StoredClass | undefined> {
  const store = await collection();
  const wanted = name.trim();
  const problem = nameProblem(wanted);
  if (problem !== undefined) {
    report(problem);
    return undefined;
  }
  const order = Math.max(0, ...classes.value.map((one) => one.order)) + 1;
  const made = { id: crypto.randomUUID(), name: wanted, order };
  await store.putClass(made);
  classes.value = [...classes.value, made];
  changed();
  return made;
}

export async function renameClass(id: string, name: string): Promise<void> {
  const store = await collection();
  const before = classes.value.find((one) => one.id === id);
  const wanted = name.trim();
  if (before === undefined || before.name === wanted) return;
  const problem = nameProblem(wanted);
  if (problem !== undefined) return report(problem);
  const renamed = { ...before, name: wanted };
  await store.putClass(renamed);
  classes.value = classes.value.map((one) => (one.id === id ? renamed : one));
  changed();
}

function nameProblem(name: string): ProblemError | undefined {
  if (name === "") return new ProblemError("A class needs a name.", "Type one, such as “my mug”.");
  if (name.length > MOST_NAME_CHARACTERS)
    return new ProblemError(
      `The name has ${name.length} characters.`,
      `Take one with at most ${MOST_NAME_CHARACTERS}.`,
    );
  if (name.toLowerCase() === "unknown")
    return new ProblemError(
      "“unknown” is the answer for what is none of the classes.",
      "Give the class another name, such as “something else”.",
    );
  if (classes.value.some((one) => one.name === name))
    return new ProblemError(`There is a class “${name}” already.`, "Add the pictures to it, or take another name.");
  return undefined;
}

export async function removeClass(id: string): Promise<void> {
  const store = await collection();
  const hashes = pictures.value.filter(({ classId }) => classId === id).map(({ hash }) => hash);
  await store.removeClass(id, hashes);
  classes.value = classes.value.filter((one) => one.id !== id);
  pictures.value = pictures.value.filter(({ classId }) => classId !== id);
  changed();
}

/** Pictures written at once: a crash loses no more than these. */
const CHUNK = 16;

/**
 * Keeps pictures under a class. A picture that another class has goes over to this one.
 *
 * @returns how many are new here
 */
export async function keepPictures(classId: string, prepared: readonly PreparedPicture[]): Promise<number> {
  const store = await collection();
  const known = new Map(pictures.value.map((picture) => [picture.hash, picture]));
  const fresh = new Map(prepared.map((one) => [one.hash, one]));
  const now = Date.now();
  const added = [...fresh.values()]
    .filter(({ hash }) => known.get(hash)?.classId !== classId)
    .map(({ hash, name, file }) => ({ hash, name, file, classId, size: file.size, addedAt: now }));
  if (added.length === 0) return 0;
  await store.putPictures(added);
  const moved = new Set(added.map(({ hash }) => hash));
  pictures.value = [
    ...pictures.value.filter(({ hash }) => !moved.has(hash)),
    ...added.map(({ file: _, ...picture }) => picture),
  ];
  void askToPersist();
  changed();
  return added.length;
}

/** Takes files in: into a class, or each into the class that its folder is named after. What is no picture is reported, and the others are kept. */
export async function takeFiles(files: readonly IncomingFile[], classId?: string): Promise<void> {
  const failures: string[] = [];
  let hint: string | undefined;
  let waiting: { readonly classId: string; readonly picture: PreparedPicture }[] = [];
  let kept = 0;
  const flush = async () => {
    const now = waiting;
    waiting = [];
    for (const id of new Set(now.map((one) => one.classId)))
      kept += await keepPictures(
        id,
        now.filter((one) => one.classId === id).map(({ picture }) => picture),
      );
  };
  incoming.value = { done: 0, total: files.length };
  try {
    for (const [i, { file, path }] of files.entries()) {
      const target = classId ?? (await classOfPath(path));
      if (target === undefined) throw noClass(path);
      try {
        waiting.push({ classId: target, picture: await pictureOfFile(file, path.join("/")) });
      } catch (error) {
        const problem = problemOf(error);
        failures.push(problem.message);
        hint ??= problem.hint;
      }
      if (waiting.length >= CHUNK) await flush();
      incoming.value = { done: i + 1, total: files.length };
    }
    await flush();
    announce(`${kept} pictures added.`);
  } catch (error) {
    report(error);
  } finally {
    incoming.value = undefined;
  }
  if (failures.length > 0)
    report(
      new ProblemError(
        failures.length === 1
          ? failures[0]!
          : `${failures.length} of ${files.length} files were left out; the first: ${failures[0]}`,
        hint,
      ),
    );
}

/** The class that is called like the folder that a file lies in; it is made when there is none. */
async function classOfPath(path: readonly string[]): Promise<string | undefined> {
  const folder = path.at(-2);
  if (folder === undefined) return undefined;
  return (classes.value.find(({ name }) => name === folder.trim()) ?? (await addClass(folder)))?.id;
}

function noClass(path: readonly string[]): ProblemError {
  return new ProblemError(
    `It is not said what is in ${path.at(-1)}.`,
    "Drop it onto a class; or drop a folder, whose name becomes the class.",
  );
}

export async function movePictures(hashes: readonly string[], classId: string): Promise<void> {
  await change(hashes, (picture) => ({ ...picture, classId }));
  changed();
}

/** A person says that the labels of these are right. */
export const confirmPictures = (hashes: readonly string[]): Promise<void> =>
  change(hashes, (picture) => ({ ...picture, kept: true }));

async function change(hashes: readonly string[], to: (picture: StoredPicture) => StoredPicture): Promise<void> {
  const store = await collection();
  const wanted = new Set(hashes);
  const after = pictures.value.map((picture) => (wanted.has(picture.hash) ? to(picture) : picture));
  await store.changePictures(after.filter(({ hash }) => wanted.has(hash)));
  pictures.value = after;
}

export async function removePictures(hashes: readonly string[]): Promise<void> {
  const store = await collection();
  await store.removePictures(hashes);
  const gone = new Set(hashes);
  pictures.value = pictures.value.filter(({ hash }) => !gone.has(hash));
  changed();
}

/** Forgets all classes and pictures. */
export async function forgetEverything(): Promise<void> {
  const store = await collection();
  await store.clear();
  classes.value = [];
  pictures.value = [];
  changed();
}

/** Other tabs have the same collection. */
const others = new BroadcastChannel("saccade-teach");
others.onmessage = () => {
  if (isOpen.value) void read().catch(report);
};

function changed(): void {
  revision.value += 1;
  others.postMessage("changed");
}

/** After classes and pictures came by another way. */
export async function readAgain(): Promise<void> {
  await read();
  changed();
}

async function read(): Promise<void> {
  const kept = await (await collection()).contents();
  classes.value = kept.classes;
  pictures.value = kept.pictures;
  revision.value += 1;
}
