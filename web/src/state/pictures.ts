// Pictures that somebody brought: dropped, pasted, chosen or photographed. They stay in memory of this page, and are shown from there.
import { computed, signal } from "@preact/signals";
import { decodeImage, type RawImage } from "../library.ts";
import { ProblemError } from "../problems.ts";
import { report } from "./notices.ts";

export interface Picture {
  readonly id: number;
  readonly name: string;
  readonly blob: Blob;
  /** An address of `blob` for img elements. */
  readonly url: string;
}

export const pictures = signal<readonly Picture[]>([]);
const currentId = signal<number | undefined>(undefined);

/** The one that is looked at. */
export const currentPicture = computed(() => pictures.value.find(({ id }) => id === currentId.value));

let nextId = 0;
/** So many are kept; the oldest go first. They are small beside what showing them takes. */
const MOST_PICTURES = 200;

/** Takes files as pictures and looks at the first of them. Whether a file is a picture is found out when it is looked at. */
export function addPictures(files: readonly File[]): void {
  if (files.length === 0) return;
  const added = files.map((blob): Picture => ({ id: nextId++, name: blob.name, blob, url: URL.createObjectURL(blob) }));
  const all = [...pictures.value, ...added];
  for (const { url } of all.slice(0, -MOST_PICTURES)) URL.revokeObjectURL(url);
  pictures.value = all.slice(-MOST_PICTURES);
  currentId.value = (added.length > MOST_PICTURES ? pictures.value[0] : added[0])?.id;
  if (all.length > MOST_PICTURES)
    report(
      new ProblemError(
        `The page keeps ${MOST_PICTURES} pictures; the others were left out.`,
        "For whole folders there are Teach, and the command saccade classify.",
      ),
    );
}

export function choosePicture(id: number): void {
  currentId.value = id;
}

export function removePicture(id: number): void {
  const { value } = pictures;
  const at = value.findIndex((picture) => picture.id === id);
  if (at < 0) return;
  URL.revokeObjectURL(value[at]!.url);
  pictures.value = value.filter((picture) => picture.id !== id);
  if (currentId.value === id) currentId.value = (value[at + 1] ?? value[at - 1])?.id;
}

let decoded: { readonly id: number; readonly pixels: Promise<RawImage> } | undefined;

/** The pixels of a picture. Those of the last one that was asked for are kept. Throws ImageError and what else stands in the way. */
export function pixelsOf(picture: Picture): Promise<RawImage> {
  if (decoded?.id !== picture.id) decoded = { id: picture.id, pixels: decodeImage(picture.blob) };
  return decoded.pixels;
}
