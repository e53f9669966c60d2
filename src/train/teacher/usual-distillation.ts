// How to learn from a teacher when the recipe does not say: half of each target is the teacher's opinion of the whole picture.
import { UsageError } from "../../errors.ts";
import { parseTransform } from "../../image/transform.ts";
import { readMetadata } from "../../onnx/metadata.ts";
import { readOnnx } from "../../onnx/read.ts";
import type { Files } from "../../platform/host.ts";
import type { Recipe } from "../recipe-fields.ts";
import { isKeptOpinions } from "./lesson.ts";

const WEIGHT = 0.5;
const TEMPERATURE = 2;
/** Of nearly all picture models that were trained on ImageNet. */
const USUAL_SIZE = 224;

export interface UsualDistillation {
  readonly distillation: NonNullable<Recipe["distillation"]>;
  /** In words. */
  readonly reason: string;
}

/**
 * What a recipe's `distillation` is for this teacher when nobody says.
 *
 * @param teacher path of an ONNX file, or of what one said in another run
 * @throws NotFoundError; FormatError for a file that is no ONNX model
 */
export async function usualDistillation(files: Files, teacher: string, recipe: Recipe): Promise<UsualDistillation> {
  const share = `half of each target is its opinion, softened by ${TEMPERATURE}`;
  const distillation = { weight: WEIGHT, temperature: TEMPERATURE };
  if (isKeptOpinions(teacher))
    return { distillation: { ...distillation, transform: recipe.transform }, reason: `${share}, as it is kept` };
  const { transform, isItsOwn } = preprocessingOf(await files.read(teacher));
  const source = isItsOwn
    ? "which is what its file says"
    : "which is a guess, as its file does not say how it wants pictures: a recipe's distillation.transform can";
  return { distillation: { ...distillation, transform }, reason: `${share}; it sees ${transform}, ${source}` };
}

/** What an ONNX file says of its pictures; else the size of its input and ImageNet's values. */
function preprocessingOf(bytes: Uint8Array): { readonly transform: string; readonly isItsOwn: boolean } {
  const { metadata, inputs } = readOnnx(bytes);
  const { transform } = readMetadata(metadata);
  if (transform !== undefined && isTransform(transform)) return { transform, isItsOwn: true };
  const [, , height, width] = inputs[0]?.shape ?? [];
  const pixels = (size: number | string | undefined) => (typeof size === "number" ? size : USUAL_SIZE);
  return {
    transform: `resize(${pixels(width)},${pixels(height)},bicubic)|normalize(imagenet)`,
    isItsOwn: false,
  };
}

function isTransform(text: string): boolean {
  try {
    return parseTransform(text).length > 0;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}
