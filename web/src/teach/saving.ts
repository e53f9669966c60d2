// What was learnt, as files: a model folder, an ONNX file, a page of its own.
import { signal } from "@preact/signals";
import { download, fileName } from "../downloads.ts";
import { files } from "../library.ts";
import { folderAsOnnx, folderAsZip } from "../model-files.ts";
import { ownPage } from "../own/saving.ts";
import { ProblemError } from "../problems.ts";
import { goTo } from "../router.ts";
import { openFromPage } from "../state/models.ts";
import { announce, report } from "../state/notices.ts";
import { lesson } from "./learning.ts";

/** What is being made. */
export const saving = signal<string | undefined>(undefined);

/** Where models that were taught are kept. */
const FOLDER = "taught";

/** Writes the lesson as a model folder of the browser's storage. @returns its path */
export async function keepModel(name: string): Promise<string> {
  const now = lesson.value;
  if (now === undefined) throw new ProblemError("Nothing was learnt yet.", "Learn first, then save.");
  const folder = files.join(FOLDER, fileName(name));
  await files.makeDirectory(FOLDER);
  await files.remove(folder);
  await now.recogniser.save(folder);
  return folder;
}

async function save(what: string, make: () => Promise<{ readonly file: Blob; readonly name: string }>): Promise<void> {
  if (saving.value !== undefined) return;
  saving.value = what;
  try {
    const { file, name } = await make();
    download(file, name);
    announce(`${name} is saved.`);
  } catch (error) {
    report(error);
  } finally {
    saving.value = undefined;
  }
}

export const saveFolder = (name: string): Promise<void> =>
  save("the model folder", async () => {
    const folder = await keepModel(name);
    return { file: await folderAsZip(folder, fileName(name)), name: `${fileName(name)}.zip` };
  });

export const saveOnnx = (name: string): Promise<void> =>
  save("the ONNX file", async () => ({
    file: await folderAsOnnx(await keepModel(name)),
    name: `${fileName(name)}.onnx`,
  }));

/** A zip with a page that runs from any web server. */
export const saveOwnPage = (name: string): Promise<void> =>
  save("a page of its own", async () => {
    const folder = `${fileName(name)}-page`;
    return { file: await ownPage(name, folder, await folderAsOnnx(await keepModel(name))), name: `${folder}.zip` };
  });

/** Opens what was learnt under Look, where it shows where it looks. */
export async function lookWithIt(name: string): Promise<void> {
  try {
    openFromPage(name, await keepModel(name));
    goTo("look");
  } catch (error) {
    report(error);
  }
}
