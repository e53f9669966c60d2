// A data set of cluttered scenes made of another one: every scene holds one picture of the source, the evidence, whose class is the scene's,
// in a large picture that tells nothing else. How large the evidence is, is the experiment: what a shrunken glance still shows, and what only
// a patch at full resolution does. Each split is made of the source's own split, clutter included, so no picture leaks.
import { UsageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { resample } from "../../image/resample.ts";
import { drawScene, framed } from "../../image/scene.ts";
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
  MAX_STREWN,
  requireWhole,
  type SceneClass,
  type SceneSurroundings,
  sideOf,
  strangersTo,
} from "./scene-settings.ts";
import type { EncodedScene } from "./write-scenes.ts";
import { requireFolders, writeScenes } from "./write-scenes.ts";

export interface SceneSettings extends CommonSettings {
  /** Further whole pictures of the scene's own class, strewn over it: with many, patches anywhere show the class. Default: none. */
  readonly companions?: number;
  /**
   * Width of a white frame around the evidence and its companions, and around nothing else: it says where to look. Around evidence that is
   * smaller than `evidence`, as much narrower. Default: none.
   */
  readonly frame?: number;
}

export interface GenerateScenesOptions extends SceneSettings, SceneSurroundings {}

const PARALLEL = 4;

/**
 * Writes the data set: OUT/train/CLASS/000001.jpg, likewise val and test where the source has them, SPLIT-boxes.json with the place of the
 * evidence, and scenes.json with the settings. The folder appears when it is complete. The same settings and source give the same scenes.
 *
 * @throws UsageError for settings that make no sense, labels that are unknown, a folder that is taken
 * @throws AbortedError when the signal fires; nothing is left behind
 */
export async function generateScenes(options: GenerateScenesOptions): Promise<GeneratedScenes> {
  const { source, files, onScene, signal } = options;
  checkSettings(options);
  const classes = chosenLabels(source.labels, options.classes);
  requireFolders(classes.map(({ label }) => label));
  const plans = SPLITS.flatMap((split) => {
    const dataset = source[split];
    return dataset === undefined ? [] : [planSplit(split, dataset, classes, options)];
  });
  if (plans.every(({ evidence }) => evidence.length === 0))
    throw new UsageError(`no picture of ${options.sourceName} is of one of the classes`);
  const total = plans.reduce((sum, { evidence }) => sum + evidence.length, 0);
  let done = 0;
  const problems: DataProblem[] = [];
  const counts: { [split: string]: number } = {};
  const record = settingsRecord(options, classes);
  await writeScenes(files, options.out, record, async (write) => {
    for (const plan of plans) {
      const pictures = new SquarePictures(plan.dataset, options.evidence, files, options.decode);
      await untilFailure([...plan.evidence.keys()], PARALLEL, async (place) => {
        checkAborted(signal, "making scenes");
        await write(plan.split, await makeScene(plan, place, pictures, classes, options));
        onScene?.(++done, total);
      });
      counts[plan.split] = plan.evidence.length;
      problems.push(...pictures.problems);
    }
  });
  return { counts, labels: classes.map(({ label }) => label), problems };
}

function checkSettings(settings: SceneSettings): void {
  checkSceneSettings(settings);
  const { size, evidence, companions = 0, frame = 0 } = settings;
  requireWhole(companions, 0, MAX_STREWN, "the number of companions");
  requireWhole(frame, 0, Math.floor((size - evidence) / 2), "the width of a frame");
}

/** What a split's scenes are made of. */
interface SplitPlan {
  readonly split: SplitName;
  readonly dataset: Dataset;
  /** Items of the evidence, a scene each. */
  readonly evidence: Int32Array;
  /** The evidence of each class of the source. */
  readonly evidenceOf: ReadonlyMap<number, Int32Array>;
  /** Items for ground and clutter: all of the split, so that they say nothing about the class. */
  readonly material: Int32Array;
  /** Items of classes that are not asked for. */
  readonly distractors: Int32Array;
}

function planSplit(
  split: SplitName,
  dataset: Dataset,
  classes: readonly SceneClass[],
  settings: SceneSettings,
): SplitPlan {
  const { count, heldOut, seed } = settings;
  const members = membersByClass(dataset);
  const wanted = classes.map(({ index }) => members[index]!);
  const available = wanted.reduce((sum, items) => sum + items.length, 0);
  const asked = (split === "train" ? count : heldOut) ?? available;
  const random = new RandomSource(seed, `evidence/${split}`);
  const evidence = available === 0 ? new Int32Array() : balancedOrder(wanted, asked, random);
  return {
    split,
    dataset,
    evidence,
    evidenceOf: new Map(classes.map(({ index }) => [index, evidence.filter((i) => dataset.targets[i] === index)])),
    material: Int32Array.from(dataset.targets.keys()),
    distractors: strangersTo(classes, dataset, split, settings),
  };
}

/** `count` items, the classes in turn; a class's pictures come again when all of them have come. */
function balancedOrder(members: readonly (readonly number[])[], count: number, random: RandomSource): Int32Array {
  const present = members.filter((items) => items.length > 0);
  const orders = present.map((items) => random.shuffle([...items]));
  return Int32Array.from({ length: count }, (_, place) => {
    const order = orders[place % orders.length]!;
    return order[Math.floor(place / orders.length) % order.length]!;
  });
}

async function makeScene(
  { split, dataset, evidence, evidenceOf, material: items, distractors }: SplitPlan,
  place: number,
  pictures: SquarePictures,
  classes: readonly SceneClass[],
  options: GenerateScenesOptions,
): Promise<EncodedScene> {
  const random = new RandomSource(options.seed, `scene/${split}/${place}`);
  const item = evidence[place]!;
  const target = dataset.targets[item]!;
  // A picture that cannot be read is replaced by another of its class, so that counts and classes stay as planned.
  const sameClass = evidenceOf.get(target)!;
  const decisive = (await pictures.square(item)) ?? (await pictures.draw(1, sameClass, random))[0]!;
  // Ground and clutter are cut out of a handful of pictures: enough variety, and a fraction of the reading.
  const handful = await pictures.draw(Math.max(8, options.clutter), items, random);
  const strangers = await pictures.draw(options.distractors, distractors, random);
  const companions = await pictures.draw(options.companions ?? 0, sameClass, random);
  const side = sideOf(options, random);
  const scaled = (picture: RawImage) => (side === picture.width ? picture : resample(picture, side, side));
  // Smaller evidence is as if seen from further away, and so is its frame.
  const frame = Math.round(((options.frame ?? 0) * side) / options.evidence);
  const material = handful.map(scaled);
  const { image, box } = drawScene(
    scaled(decisive),
    [...strangers.map(scaled), ...companions.map((picture) => framed(scaled(picture), frame))],
    () => random.choice(material),
    { ...options, frame },
    random,
  );
  return {
    label: classes.find(({ index }) => index === target)!.label,
    number: place + 1,
    jpeg: await options.encode(image),
    box,
  };
}

/** scenes.json: how the data set was made. */
function settingsRecord(options: GenerateScenesOptions, classes: readonly SceneClass[]): Record<string, unknown> {
  const { size, evidence, evidenceLow, clutter, distractors, companions = 0, frame = 0 } = options;
  const { count, heldOut, seed } = options;
  return {
    source: options.sourceName,
    size,
    evidence,
    ...(evidenceLow === undefined ? {} : { evidence_low: evidenceLow }),
    clutter,
    distractors,
    ...(companions === 0 ? {} : { companions }),
    ...(frame === 0 ? {} : { frame }),
    classes: classes.map(({ label }) => label),
    ...(count === undefined ? {} : { count }),
    ...(heldOut === undefined ? {} : { held_out: heldOut }),
    seed,
  };
}
