// The folder of a data set of scenes with annotations: COCO's layout (train/, val/, annotations/instances_train.json), or pictures with masks beside them
// (images/train, masks/train, classes.txt).
import type { Box } from "../../boxes/box.ts";
import { toCocoBox } from "../../boxes/box.ts";
import { eachRun, type Mask, maskArea, printCounts } from "../../boxes/masks.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { FolderMaker, type NewFolderFiles, SPLIT_FOLDERS, sampleName, writeNewFolder } from "../new-folder.ts";
import type { SplitName } from "../samples.ts";

export const SCENE_ANNOTATIONS = ["coco", "masks"] as const;
/** "coco": boxes and outlines of every thing. "masks": a grey PNG beside each picture, whose values are classes; 0 is the background. */
export type SceneAnnotations = (typeof SCENE_ANNOTATIONS)[number];

export interface AnnotatedScene {
  /** From 1, unique in its split. */
  readonly number: number;
  /** Side, in pixels. */
  readonly size: number;
  readonly jpeg: Uint8Array;
  readonly things: readonly { readonly label: number; readonly mask: Mask; readonly box: Box }[];
}

export interface AnnotatedFolder {
  readonly files: NewFolderFiles;
  readonly out: string;
  readonly annotations: SceneAnnotations;
  readonly labels: readonly string[];
  /** For scenes.json: how the data set was made. */
  readonly record: Record<string, unknown>;
  readonly encodePng: (image: RawImage) => Promise<Uint8Array>;
}

type WriteScene = (split: SplitName, scene: AnnotatedScene) => Promise<void>;

/**
 * Writes scenes as `fill` hands them over, then what is known of them.
 *
 * @throws as `writeNewFolder`
 */
export async function writeAnnotatedScenes(
  folder: AnnotatedFolder,
  fill: (write: WriteScene) => Promise<void>,
): Promise<void> {
  const { files, out, annotations, record } = folder;
  await writeNewFolder(files, out, "the scenes", async (target) => {
    const folders = new FolderMaker(files);
    await (annotations === "coco" ? writeCoco : writeMasks)(folder, target, folders, fill);
    await files.writeAtomic(files.join(target, "scenes.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  });
}

async function writeCoco(
  { files, labels }: AnnotatedFolder,
  target: string,
  folders: FolderMaker,
  fill: (write: WriteScene) => Promise<void>,
): Promise<void> {
  const scenes = new Map<SplitName, Omit<AnnotatedScene, "jpeg">[]>();
  await fill(async (split, { jpeg, ...scene }) => {
    const folder = files.join(target, SPLIT_FOLDERS[split]);
    await folders.make(folder);
    await files.writeAtomic(files.join(folder, `${sampleName(scene.number)}.jpg`), jpeg);
    if (!scenes.has(split)) scenes.set(split, []);
    scenes.get(split)!.push(scene);
  });
  await files.makeDirectory(files.join(target, "annotations"));
  for (const [split, members] of scenes) {
    // Scenes are finished in any order.
    const sorted = members.sort((a, b) => a.number - b.number);
    const path = files.join(target, "annotations", `instances_${SPLIT_FOLDERS[split]}.json`);
    await files.writeAtomic(path, `${JSON.stringify(cocoOf(sorted, labels))}\n`);
  }
}

/** Categories and annotations are numbered from 1, as COCO's are. */
function cocoOf(scenes: readonly Omit<AnnotatedScene, "jpeg">[], labels: readonly string[]) {
  let id = 0;
  return {
    images: scenes.map(({ number, size }) => ({
      id: number,
      file_name: `${sampleName(number)}.jpg`,
      width: size,
      height: size,
    })),
    annotations: scenes.flatMap(({ number, things }) =>
      things.map(({ label, mask, box }) => ({
        id: ++id,
        image_id: number,
        category_id: label + 1,
        bbox: toCocoBox(box),
        area: maskArea(mask),
        segmentation: { size: [mask.height, mask.width], counts: printCounts(mask) },
        iscrowd: 0,
      })),
    ),
    categories: labels.map((name, i) => ({ id: i + 1, name })),
  };
}

async function writeMasks(
  { files, labels, encodePng }: AnnotatedFolder,
  target: string,
  folders: FolderMaker,
  fill: (write: WriteScene) => Promise<void>,
): Promise<void> {
  for (const kind of ["images", "masks"]) await folders.make(files.join(target, kind));
  await fill(async (split, { number, jpeg, size, things }) => {
    const [images, masks] = ["images", "masks"].map((kind) => files.join(target, kind, SPLIT_FOLDERS[split]));
    await Promise.all([folders.make(images!), folders.make(masks!)]);
    const name = sampleName(number);
    await files.writeAtomic(files.join(images!, `${name}.jpg`), jpeg);
    await files.writeAtomic(files.join(masks!, `${name}.png`), await encodePng(classMap(things, size)));
  });
  await files.writeAtomic(files.join(target, "classes.txt"), `${["background", ...labels].join("\n")}\n`);
}

function classMap(things: AnnotatedScene["things"], size: number): RawImage {
  const data = new Uint8Array(size * size * 3);
  for (const { label, mask } of things)
    eachRun(mask, (x, y0, y1) => {
      for (let y = y0; y < y1; y++) data.fill(label + 1, 3 * (y * size + x), 3 * (y * size + x + 1));
    });
  return { width: size, height: size, data };
}
