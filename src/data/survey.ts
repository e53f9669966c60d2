// What a data set holds, counted: pictures and things of each class, how large things are, what is wrong.
import { SaccadeError } from "../errors.ts";
import { loadSemantic } from "./annotated/index-picture.ts";
import { objectsInPixels } from "./annotated/place-objects.ts";
import { withSegmentMasks } from "./annotated/segment-ids.ts";
import type { DataProblem, Dataset } from "./dataset.ts";
import { checkAborted, type DataFiles, type DecodePicture, loadPicture, mapLimited } from "./files.ts";

export interface ClassSurvey {
  readonly label: string;
  /** Pictures of the class; of annotated ones those with at least one thing of it. */
  readonly pictures: number;
  /** Things; 0 where pictures have labels alone. */
  readonly things: number;
}

export interface SplitSurvey {
  readonly pictures: number;
  readonly classes: readonly ClassSurvey[];
  /** Of annotated pictures. */
  readonly things?: ThingSurvey;
  /** What was left out. */
  readonly problems: readonly DataProblem[];
}

export interface ThingSurvey {
  readonly things: number;
  readonly withOutline: number;
  /** Crowds, and what is too hard to be asked for. */
  readonly ignored: number;
  /** Pictures without any thing or map of classes. */
  readonly emptyPictures: number;
  /** Pictures with a map of classes. */
  readonly maps: number;
  /** Most things on one picture. */
  readonly most: number;
  /** Square roots of boxes' shares of their pictures: least, middle, most. Undefined where no picture's size is stated. */
  readonly sides?: readonly [least: number, median: number, most: number];
}

/** Counts what is known without opening a picture. */
export function surveySplit(dataset: Dataset): SplitSurvey {
  const pictures = new Uint32Array(dataset.labels.length);
  const things = new Uint32Array(dataset.labels.length);
  const survey = { things: 0, withOutline: 0, ignored: 0, emptyPictures: 0, maps: 0, most: 0 };
  const sides: number[] = [];
  for (let i = 0; i < dataset.length; i++) {
    const annotations = dataset.annotations?.(i);
    if (annotations === undefined) {
      pictures[dataset.targets[i]!]! += 1;
      continue;
    }
    const { objects, semantic, size, unit } = annotations;
    for (const label of new Set(objects.map((object) => object.label))) pictures[label]! += 1;
    survey.maps += semantic === undefined ? 0 : 1;
    survey.emptyPictures += objects.length === 0 && semantic === undefined ? 1 : 0;
    survey.things += objects.length;
    survey.most = Math.max(survey.most, objects.length);
    const area = unit === "shares" ? 1 : size === undefined ? undefined : size.width * size.height;
    for (const { label, mask, isIgnored, box } of objects) {
      things[label]! += 1;
      survey.withOutline += mask === undefined ? 0 : 1;
      survey.ignored += isIgnored === true ? 1 : 0;
      if (area !== undefined) sides.push(Math.sqrt(((box[2] - box[0]) * (box[3] - box[1])) / area));
    }
  }
  sides.sort((a, b) => a - b);
  return {
    pictures: dataset.length,
    classes: dataset.labels.map((label, i) => ({ label, pictures: pictures[i]!, things: things[i]! })),
    ...(dataset.annotations === undefined
      ? {}
      : {
          things: {
            ...survey,
            ...(sides.length === 0
              ? {}
              : { sides: [sides[0]!, sides[Math.floor(sides.length / 2)]!, sides.at(-1)!] as const }),
          },
        }),
    problems: dataset.problems,
  };
}

const PARALLEL = 4;

/**
 * Opens every picture, and every map of classes: what cannot be read, and annotations that are of a picture of another size.
 *
 * @param onPicture after each
 * @throws AbortedError
 */
export async function checkPictures(
  dataset: Dataset,
  files: Pick<DataFiles, "read" | "readRange">,
  decode: DecodePicture,
  options: { readonly onPicture?: () => void; readonly signal?: AbortSignal } = {},
): Promise<readonly DataProblem[]> {
  const found = await mapLimited([...Array(dataset.length).keys()], PARALLEL, async (i) => {
    checkAborted(options.signal, "checking");
    try {
      const image = await loadPicture((await dataset.item(i)).picture, files, decode);
      const annotations = dataset.annotations?.(i);
      if (annotations !== undefined) objectsInPixels(annotations, image);
      if (annotations?.segments !== undefined) await withSegmentMasks(annotations, image, { files, decode });
      if (annotations?.semantic !== undefined) await loadSemantic(annotations.semantic, image, { files, decode });
      return undefined;
    } catch (error) {
      if (!(error instanceof SaccadeError)) throw error;
      return { name: dataset.name(i), reason: error.message };
    } finally {
      options.onPicture?.();
    }
  });
  return found.filter((problem) => problem !== undefined);
}
