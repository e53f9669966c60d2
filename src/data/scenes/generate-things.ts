// A data set of scenes with several things each, and the boxes and outlines of all of them: what detectors and segmenters learn from. The things
// are pictures of another data set, squares or cut out in random shapes, in front of ground and clutter that tell nothing (generate-scenes.ts).
import { type Mask, maskArea, maskBox, maskOf } from "../../boxes/masks.ts";
import { UsageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { resample } from "../../image/resample.ts";
import { drawThings } from "../../image/scene.ts";
import { drawSilhouette } from "../../image/silhouette.ts";
import { RandomSource } from "../../random.ts";
import { type DataProblem, type Dataset, membersByClass } from "../dataset.ts";
import { checkAborted, untilFailure } from "../files.ts";
import { SPLITS, type SplitName } from "../samples.ts";
import { SquarePictures } from "../square-pictures.ts";
import {
  type CommonSettings,
  checkSceneSettings,
  chosenLabels,
  type GeneratedScenes,
  requireWhole,
  type SceneClass,
  type SceneSurroundings,
  sideOf,
  strangersTo,
} from "./scene-settings.ts";
import { type AnnotatedScene, type SceneAnnotations, writeAnnotatedScenes } from "./write-annotated.ts";

export interface ThingSettings extends CommonSettings {
  /** Fewest and most things a scene. */
  readonly objects: readonly [low: number, high: number];
  /** Whether things are cut out in random shapes; else they are squares. */
  readonly shapes: boolean;
}

export interface GenerateThingsOptions extends ThingSettings, SceneSurroundings {
  readonly annotations: SceneAnnotations;
  /** Pixels to the bytes of a PNG file. */
  readonly encodePng: (image: RawImage) => Promise<Uint8Array>;
}

const PARALLEL = 4;
const MOST_THINGS = 1000;
/** Of a thing that others hide so much that less is seen, nothing is asked. */
const LEAST_PIXELS = 16;

/**
 * Writes the data set: pictures with annotations in COCO's format, or with masks whose values are classes (0 is the background). The folder appears when it is
 * complete. The same settings and source give the same scenes.
 *
 * @throws UsageError for settings that make no sense, labels that are unknown, a folder that is taken
 * @throws AbortedError when the signal fires; nothing is left behind
 */
export async function generateThings(options: GenerateThingsOptions): Promise<GeneratedScenes> {
  const { source, files, onScene, signal } = options;
  checkSceneSettings(options);
  const [low, high] = options.objects;
  requireWhole(low, 1, MOST_THINGS, "the fewest things of a scene");
  requireWhole(high, low, MOST_THINGS, "the most things of a scene");
  const classes = chosenLabels(source.labels, options.classes);
  const plans = SPLITS.flatMap((split) => {
    const dataset = source[split];
    return dataset === undefined ? [] : [planSplit(split, dataset, classes, options)];
  });
  if (plans.every(({ count }) => count === 0))
    throw new UsageError(`no picture of ${options.sourceName} is of one of the classes`);
  const total = plans.reduce((sum, { count }) => sum + count, 0);
  let done = 0;
  const problems: DataProblem[] = [];
  const counts: { [split: string]: number } = {};
  const labels = classes.map(({ label }) => label);
  await writeAnnotatedScenes({ ...options, labels, record: recordOf(options, labels) }, async (write) => {
    for (const plan of plans) {
      const pictures = new SquarePictures(plan.dataset, options.evidence, files, options.decode);
      await untilFailure([...Array(plan.count).keys()], PARALLEL, async (place) => {
        checkAborted(signal, "making scenes");
        await write(plan.split, await makeScene(plan, place, pictures, options));
        onScene?.(++done, total);
      });
      counts[plan.split] = plan.count;
      problems.push(...pictures.problems);
    }
  });
  return { counts, labels, problems };
}

interface SplitPlan {
  readonly split: SplitName;
  readonly count: number;
  readonly dataset: Dataset;
  /** Items of each class that has any, with its number among the chosen ones. */
  readonly members: readonly { readonly label: number; readonly items: Int32Array }[];
  /** Items for ground and clutter. */
  readonly material: Int32Array;
  /** Items of classes that are not asked for. */
  readonly distractors: Int32Array;
}

function planSplit(
  split: SplitName,
  dataset: Dataset,
  classes: readonly SceneClass[],
  settings: CommonSettings,
): SplitPlan {
  const { count, heldOut } = settings;
  const all = membersByClass(dataset);
  const members = classes.flatMap(({ index }, label) => {
    const items = Int32Array.from(all[index]!);
    return items.length === 0 ? [] : [{ label, items }];
  });
  const available = members.reduce((sum, { items }) => sum + items.length, 0);
  return {
    split,
    count: available === 0 ? 0 : ((split === "train" ? count : heldOut) ?? available),
    dataset,
    members,
    material: Int32Array.from(dataset.targets.keys()),
    distractors: strangersTo(classes, dataset, split, settings),
  };
}

async function makeScene(
  { split, members, material: items, distractors }: SplitPlan,
  place: number,
  pictures: SquarePictures,
  options: GenerateThingsOptions,
): Promise<AnnotatedScene> {
  const { objects, clutter, shapes, size } = options;
  const random = new RandomSource(options.seed, `things/${split}/${place}`);
  const wanted = objects[0] + random.integer(objects[1] - objects[0] + 1);
  const chosen = Array.from({ length: wanted }, () => random.choice(members));
  const things: { readonly picture: RawImage; readonly shape?: Uint8Array }[] = [];
  for (const { items: ofClass } of chosen) {
    const [square] = await pictures.draw(1, ofClass, random);
    const side = sideOf(options, random);
    const picture = resized(square!, side);
    things.push(shapes ? { picture, shape: drawSilhouette(side, random) } : { picture });
  }
  const handful = await pictures.draw(Math.max(8, clutter), items, random);
  const strangers = await pictures.draw(options.distractors, distractors, random);
  const { image, owners } = drawThings(
    things,
    strangers.map((picture) => resized(picture, sideOf(options, random))),
    () => random.choice(handful),
    { size, clutter },
    random,
  );
  return {
    number: place + 1,
    size,
    jpeg: await options.encode(image),
    things: chosen.flatMap(({ label }, i) => {
      const mask = ownedBy(owners, i + 1, size);
      const box = maskBox(mask);
      return box === undefined || maskArea(mask) < LEAST_PIXELS ? [] : [{ label, mask, box }];
    }),
  };
}

const resized = (picture: RawImage, side: number) => (side === picture.width ? picture : resample(picture, side, side));

function ownedBy(owners: Uint16Array, number: number, size: number): Mask {
  return maskOf(
    owners.map((owner) => (owner === number ? 1 : 0)),
    { width: size, height: size },
  );
}

/** scenes.json: how the data set was made. */
function recordOf(options: GenerateThingsOptions, labels: readonly string[]): Record<string, unknown> {
  const { size, evidence, evidenceLow, clutter, distractors, objects, shapes, annotations, count, heldOut, seed } =
    options;
  return {
    source: options.sourceName,
    size,
    evidence,
    ...(evidenceLow === undefined ? {} : { evidence_low: evidenceLow }),
    clutter,
    distractors,
    objects,
    shapes,
    annotations,
    classes: labels,
    ...(count === undefined ? {} : { count }),
    ...(heldOut === undefined ? {} : { held_out: heldOut }),
    seed,
  };
}
