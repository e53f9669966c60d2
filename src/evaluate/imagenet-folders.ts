// ImageNet's own names of its classes: the folders n01440764, … of its pictures, or their numbers 0 to 999.
import { labelKey, namesOf } from "../data/labels.ts";
import { imagenetWnids } from "../models/imagenet-wnids.ts";
import { labelsOf } from "../models/labels.ts";

/** Labels of the data that are ImageNet's, as places among the model's; -1 for those that it does not have. */
export interface ImagenetFolders {
  readonly indices: readonly number[];
  readonly note: string;
}

/**
 * What labels that are all wnids or all numbers mean to a model of ImageNet's classes. undefined for other labels and other models, and for models
 * that call their classes by these very names.
 */
export function imagenetFolders(
  labels: readonly string[],
  modelLabels: readonly string[],
): ImagenetFolders | undefined {
  const areWnids = labels.every((label) => /^n\d{8}$/.test(label));
  const areNumbers = labels.every((label) => /^\d{1,4}$/.test(label) && Number(label) < 1000);
  if (labels.length === 0 || (!areWnids && !areNumbers)) return undefined;
  const first = placeOfImagenet(modelLabels);
  if (first === undefined) return undefined;
  const places = areWnids ? new Map(imagenetWnids().map((wnid, place) => [wnid, place])) : undefined;
  const indices = labels.map((label) => {
    const place = places === undefined ? Number(label) : places.get(label);
    return place === undefined ? -1 : first + place;
  });
  const example = indices.findIndex((index) => index !== -1);
  if (example === -1) return undefined;
  return {
    indices,
    note: `labels are ImageNet's ${areWnids ? "folders" : "numbers"}: "${labels[example]}" is "${modelLabels[indices[example]!]}"`,
  };
}

/** Models differ in what they call some classes, but not in their order. */
const ENOUGH = 500;

/** Where in a model's labels ImageNet's begin: some have one more before them, for the background. undefined where they are not there. */
function placeOfImagenet(modelLabels: readonly string[]): number | undefined {
  const first = modelLabels.length - 1000;
  if (first !== 0 && first !== 1) return undefined;
  const nameOf = (label: string) => labelKey(namesOf(label)[0]!);
  const alike = labelsOf("imagenet-1k").filter((label, i) => nameOf(label) === nameOf(modelLabels[first + i]!));
  return alike.length >= ENOUGH ? first : undefined;
}
