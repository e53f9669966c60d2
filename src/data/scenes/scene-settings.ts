// What all generators of scenes share: settings and their checks, the classes that scenes are about, sides of things.
import { UsageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { largestJigsaw } from "../../image/scene.ts";
import type { RandomSource } from "../../random.ts";
import { type DataProblem, type Dataset, list } from "../dataset.ts";
import type { DecodePicture } from "../files.ts";
import { matchNames } from "../labels.ts";
import type { NewFolderFiles } from "../new-folder.ts";
import type { OpenedData } from "../open.ts";
import type { SplitName } from "../samples.ts";

export interface CommonSettings {
  /** Side of a scene, in pixels. */
  readonly size: number;
  /** Side of the evidence. */
  readonly evidence: number;
  /** Smallest side of the evidence, where sides vary: small ones as often as large ones, by ratio. Default: all of one size. */
  readonly evidenceLow?: number;
  /** Shuffled pictures strewn over a scene. */
  readonly clutter: number;
  /** Whole pictures of classes that are not asked for, strewn over a scene. Needs `classes`. */
  readonly distractors: number;
  /** Labels of the source that scenes are about, in this order. Default: all. */
  readonly classes?: readonly string[];
  /** Training scenes. Default: one a picture. */
  readonly count?: number;
  /** Scenes of every other split. Default: one a picture. */
  readonly heldOut?: number;
  readonly seed: number;
}

/** Where scenes come from and go to. */
export interface SceneSurroundings {
  readonly source: OpenedData;
  /** For the record: where the source is, as the user wrote it. */
  readonly sourceName: string;
  /** The new data set's folder; nothing may be there. */
  readonly out: string;
  readonly files: NewFolderFiles;
  readonly decode: DecodePicture;
  /** Pixels to the bytes of a JPEG file. */
  readonly encode: (image: RawImage) => Promise<Uint8Array>;
  /** After every scene. */
  readonly onScene?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface GeneratedScenes {
  /** Scenes a split. */
  readonly counts: { readonly [S in SplitName]?: number };
  readonly labels: readonly string[];
  /** Pictures of the source that could not be read. */
  readonly problems: readonly DataProblem[];
}

const MAX_SIDE = 8192;
const MAX_SCENES = 1_000_000;
export const MAX_STREWN = 1000;

/** @throws UsageError for settings that make no sense */
export function checkSceneSettings(settings: CommonSettings): void {
  const { size, evidence, evidenceLow = evidence, clutter, distractors, classes, seed, count, heldOut } = settings;
  requireWhole(size, 32, MAX_SIDE, "the size of a scene");
  requireWhole(evidence, 8, size, "the size of the evidence");
  requireWhole(evidenceLow, 8, evidence, "the smallest size of the evidence");
  requireWhole(clutter, 0, MAX_STREWN, "the amount of clutter");
  requireWhole(distractors, 0, MAX_STREWN, "the number of distractors");
  requireWhole(count ?? 1, 1, MAX_SCENES, "the number of scenes");
  requireWhole(heldOut ?? 1, 1, MAX_SCENES, "the number of held-out scenes");
  requireWhole(seed, 0, 2 ** 32 - 1, "a seed");
  if (clutter > 0 && largestJigsaw(evidence) > size)
    throw new UsageError(
      `clutter for evidence of ${evidence} does not fit a scene of ${size}`,
      "make the scene larger or the evidence smaller",
    );
  if (distractors > 0 && classes === undefined)
    throw new UsageError(
      "distractors are pictures of classes that are not asked for, and all are",
      "choose some of the classes: --classes",
    );
}

/** @throws UsageError for anything else */
export function requireWhole(value: number, low: number, high: number, what: string): void {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new UsageError(`${what} is a whole number from ${low} to ${high}, not ${value}`);
}

/** A class of the scenes and its number in the source. */
export interface SceneClass {
  readonly label: string;
  readonly index: number;
}

/** @throws UsageError for labels that are unknown or named twice, or one alone */
export function chosenLabels(labels: readonly string[], chosen: readonly string[] | undefined): SceneClass[] {
  if (chosen === undefined) return labels.map((label, index) => ({ label, index }));
  const indices = chosen.map((label) => matchNames([label], labels).indices[0]!);
  const unknown = chosen.filter((_, i) => indices[i] === -1);
  if (unknown.length > 0)
    throw new UsageError(`unknown classes: ${list(unknown)}`, `the source has ${list(labels, 60)}`);
  if (new Set(indices).size < indices.length) throw new UsageError("a class is named twice");
  if (indices.length < 2) throw new UsageError("one class alone leaves nothing to tell apart");
  return indices.map((index) => ({ label: labels[index]!, index }));
}

/** Of a thing: small ones as often as large ones, by ratio. */
export function sideOf({ evidence, evidenceLow = evidence }: CommonSettings, random: RandomSource): number {
  if (evidenceLow === evidence) return evidence;
  return Math.round(evidenceLow * (evidence / evidenceLow) ** random.uniform());
}

/** Items of classes that are not asked for. @throws UsageError where there are none, and distractors are wanted */
export function strangersTo(
  classes: readonly SceneClass[],
  { targets }: Dataset,
  split: SplitName,
  { distractors }: CommonSettings,
): Int32Array {
  const chosen = new Set(classes.map(({ index }) => index));
  const strangers = Int32Array.from([...targets.keys()].filter((i) => !chosen.has(targets[i]!)));
  if (distractors > 0 && strangers.length === 0)
    throw new UsageError(`no picture is left for distractors: all classes of ${split} are asked for`);
  return strangers;
}
