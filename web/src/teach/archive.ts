// Everything that was taught as one file: a zip with the classes, the pictures, and the features that were computed. Written and read in pieces, so
// that ten thousand pictures need no more memory than one.
import { signal } from "@preact/signals";
import { AsyncUnzipInflate, strFromU8, strToU8, Unzip, UnzipPassThrough, Zip, ZipPassThrough } from "fflate";
import { download } from "../downloads.ts";
import { ProblemError } from "../problems.ts";
import { announce, report } from "../state/notices.ts";
import { addClass, classes, collection, keepPictures, pictures, readAgain } from "./collection.ts";
import { addFeatures, featuresOfAll } from "./features.ts";
import { hashOf } from "./intake.ts";

const LIST = "taught.json";
const KIND = "saccade-taught";

interface Listed {
  readonly kind: typeof KIND;
  readonly version: 1;
  readonly classes: readonly { readonly name: string }[];
  readonly pictures: readonly {
    readonly hash: string;
    readonly name: string;
    readonly class: number;
    readonly kept?: boolean;
  }[];
  readonly features?: { readonly space: string; readonly width: number; readonly hashes: readonly string[] };
}

/** How far writing or reading is, 0 to 1. */
export const archiving = signal<{ readonly label: string; readonly done: number } | undefined>(undefined);

/** Offers everything as one file. */
export async function exportEverything(): Promise<void> {
  await busy("Writing the file", async () => {
    download(await archive(), `taught-${new Date().toISOString().slice(0, 10)}.zip`);
    announce("Everything is saved in one file.");
  });
}

/** The file. */
export async function archive(): Promise<Blob> {
  const store = await collection();
  const parts: Blob[] = [];
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const zip = new Zip((error, data) => {
    if (error) fail(error);
    else parts.push(new Blob([data as Uint8Array<ArrayBuffer>]));
  });
  const put = (name: string, bytes: Uint8Array) => {
    const entry = new ZipPassThrough(name);
    zip.add(entry);
    entry.push(bytes, true);
  };
  const places = new Map(classes.value.map(({ id }, i) => [id, i]));
  const { space, vectors } = await featuresOfAll();
  const known = pictures.value.filter(({ hash }) => vectors.has(hash));
  const listed: Listed = {
    kind: KIND,
    version: 1,
    classes: classes.value.map(({ name }) => ({ name })),
    pictures: pictures.value.map(({ hash, name, classId, kept }) => ({
      ...{ hash, name, class: places.get(classId)! },
      ...(kept === true ? { kept } : {}),
    })),
    features: { space: space.id, width: space.width, hashes: known.map(({ hash }) => hash) },
  };
  put(LIST, strToU8(JSON.stringify(listed)));
  const matrix = new Float32Array(known.length * space.width);
  for (const [i, { hash }] of known.entries()) matrix.set(vectors.get(hash)!, i * space.width);
  put(`features/${space.id}.f32`, new Uint8Array(matrix.buffer));
  for (const [i, { hash }] of pictures.value.entries()) {
    const file = await store.file(hash);
    if (file !== undefined) put(`pictures/${hash}`, new Uint8Array(await file.arrayBuffer()));
    progress(i / pictures.value.length);
  }
  zip.end();
  return Promise.race([failed, Promise.resolve(new Blob(parts, { type: "application/zip" }))]);
}

/** Adds what a file has to what is there; classes of one name become one. */
export async function importEverything(file: Blob): Promise<void> {
  await busy("Reading the file", async () => {
    const count = await unarchive(file);
    announce(`${count} pictures were added from the file.`);
  });
}

/** @returns how many pictures are new */
export async function unarchive(file: Blob): Promise<number> {
  const store = await collection();
  let listed: Listed | undefined;
  let matrix: Float32Array | undefined;
  const ids: string[] = [];
  let added = 0;
  let read = 0;
  for await (const { name, bytes } of entriesOf(file)) {
    read += bytes.length;
    progress(read / file.size);
    if (name === LIST) {
      listed = parseList(strFromU8(bytes));
      for (const { name: wanted } of listed.classes) {
        const there = classes.value.find((one) => one.name === wanted) ?? (await addClass(wanted));
        ids.push(there?.id ?? "");
      }
      continue;
    }
    if (listed === undefined) throw notOurs();
    if (name.startsWith("features/")) matrix = new Float32Array(bytes.slice().buffer);
    const hash = /^pictures\/([0-9a-f]{64})$/.exec(name)?.[1];
    const about = listed.pictures.find((one) => one.hash === hash);
    const classId = about && ids[about.class];
    if (hash === undefined || about === undefined || !classId) continue;
    const picture = new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "image/jpeg" });
    if ((await hashOf(picture)) !== hash) throw damaged();
    added += await keepPictures(classId, [{ hash, name: about.name, file: picture }]);
  }
  if (listed === undefined) throw notOurs();
  const { features } = listed;
  const kept = new Set(pictures.value.map(({ hash }) => hash));
  if (features !== undefined && matrix?.length === features.width * features.hashes.length)
    await addFeatures(
      features.space,
      new Map(
        features.hashes.flatMap((hash, i) =>
          kept.has(hash) ? [[hash, matrix.slice(i * features.width, (i + 1) * features.width)] as const] : [],
        ),
      ),
    );
  const confirmed = new Set(listed.pictures.filter((one) => one.kept === true).map(({ hash }) => hash));
  await store.changePictures(
    pictures.value.filter(({ hash }) => confirmed.has(hash)).map((one) => ({ ...one, kept: true })),
  );
  await readAgain();
  return added;
}

function parseList(text: string): Listed {
  const found = JSON.parse(text) as Partial<Listed>;
  if (found.kind !== KIND || !Array.isArray(found.classes) || !Array.isArray(found.pictures)) throw notOurs();
  if (found.version !== 1)
    throw new ProblemError(
      "The file was made by a newer page.",
      "Reload this page to get the newest one, then try again.",
    );
  return found as Listed;
}

const notOurs = () =>
  new ProblemError(
    "This file is not one that Teach wrote.",
    "Take a file from “Save everything”; pictures are dropped onto classes.",
  );

const damaged = () =>
  new ProblemError("The file is damaged or cut off.", "Copy or download it again. What was read until then is kept.");

/** Files of a zip as they come. */
async function* entriesOf(file: Blob): AsyncGenerator<{ readonly name: string; readonly bytes: Uint8Array }> {
  const done: { name: string; bytes: Uint8Array }[] = [];
  let problem: unknown;
  const unzip = new Unzip((entry) => {
    const parts: Uint8Array[] = [];
    entry.ondata = (error, chunk, final) => {
      if (error) problem = error;
      else parts.push(chunk);
      if (final) done.push({ name: entry.name, bytes: joined(parts) });
    };
    entry.start();
  });
  unzip.register(UnzipPassThrough);
  unzip.register(AsyncUnzipInflate);
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (head[0] !== 0x50 || head[1] !== 0x4b) throw notOurs();
  const reader = file.stream().getReader();
  for (;;) {
    const { done: isOver, value } = await reader.read();
    try {
      unzip.push(value ?? new Uint8Array(), isOver);
    } catch (error) {
      problem = error;
    }
    if (problem !== undefined) throw damaged();
    yield* done.splice(0);
    if (isOver) return;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const progress = (done: number) => {
  if (archiving.value !== undefined) archiving.value = { ...archiving.value, done };
};

async function busy(label: string, work: () => Promise<void>): Promise<void> {
  if (archiving.value !== undefined) return;
  archiving.value = { label, done: 0 };
  try {
    await work();
  } catch (error) {
    report(error);
  } finally {
    archiving.value = undefined;
  }
}
