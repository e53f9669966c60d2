// Mixup (https://arxiv.org/abs/1710.09412) and CutMix (https://arxiv.org/abs/1905.04899) of a batch with itself reversed, one draw for the
// whole batch, as timm/data/mixup.py does it in "batch" mode, its correction of lambda for boxes cut off at the border included.
import { UsageError } from "../errors.ts";
import type { RandomSource } from "../random.ts";
import type { TensorData } from "../tensor.ts";

/** How often and how strongly batches are mixed. An alpha of 0 turns that kind off. */
export interface MixOptions {
  /** Beta(alpha, alpha) of mixup's lambda; the official recipe has 0.8. */
  readonly mixupAlpha: number;
  /** Beta(alpha, alpha) of cutmix's lambda; the official recipe has 1. */
  readonly cutmixAlpha: number;
  /** Chance that a batch is mixed at all. Default 1. */
  readonly probability?: number;
  /** Chance of cutmix where both are on. Default 0.5. */
  readonly switchProbability?: number;
}

/** What is done to one batch: plain data, drawn apart from the pictures. */
export type Mixing =
  | { readonly kind: "mixup"; readonly lambda: number }
  /** The box's middle is measured from 0 to 1. */
  | { readonly kind: "cutmix"; readonly lambda: number; readonly centerX: number; readonly centerY: number };

/** Checks what a user wrote. @throws UsageError */
export function checkMixOptions(options: MixOptions): void {
  const { mixupAlpha, cutmixAlpha, probability = 1, switchProbability = 0.5 } = options;
  if (!(mixupAlpha >= 0 && Number.isFinite(mixupAlpha) && cutmixAlpha >= 0 && Number.isFinite(cutmixAlpha)))
    throw new UsageError(`mixup ${mixupAlpha} and cutmix ${cutmixAlpha} must be numbers of at least 0`);
  for (const chance of [probability, switchProbability])
    if (!(chance >= 0 && chance <= 1)) throw new UsageError(`${chance} is not a probability: it must be 0 to 1`);
}

/** Draws what happens to one batch; undefined when it is left as it is. */
export function drawMixing(options: MixOptions, random: RandomSource): Mixing | undefined {
  const { mixupAlpha, cutmixAlpha, probability = 1, switchProbability = 0.5 } = options;
  if (mixupAlpha === 0 && cutmixAlpha === 0) return undefined;
  if (!random.chance(probability)) return undefined;
  const both = mixupAlpha > 0 && cutmixAlpha > 0;
  const cuts = both ? random.chance(switchProbability) : cutmixAlpha > 0;
  if (!cuts) return { kind: "mixup", lambda: random.beta(mixupAlpha, mixupAlpha) };
  return {
    kind: "cutmix",
    lambda: random.beta(cutmixAlpha, cutmixAlpha),
    centerX: random.uniform(),
    centerY: random.uniform(),
  };
}

/**
 * Soft targets: each row is a class with probability 1, or already a distribution, with `smoothing` of it spread evenly over all classes.
 * A label below 0 (no picture there) gives a row of zeros.
 *
 * @returns (N, classes)
 */
export function smoothTargets(
  labels: ArrayLike<number>,
  classes: number,
  smoothing: number,
  soft: readonly (ArrayLike<number> | undefined)[] = [],
): TensorData<"float32"> {
  const data = new Float32Array(labels.length * classes);
  const spread = smoothing / classes;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    if (label < 0) continue;
    if (label >= classes) throw new UsageError(`label ${label} does not go with ${classes} classes`);
    const start = row * classes;
    data.fill(spread, start, start + classes);
    const distribution = soft[row];
    if (distribution === undefined) data[start + label] = 1 - smoothing + spread;
    else for (let i = 0; i < classes; i++) data[start + i] = distribution[i]! * (1 - smoothing) + spread;
  }
  return { dtype: "float32", shape: [labels.length, classes], data };
}

/**
 * Mixes pictures and targets in place: item i with item N - 1 - i.
 *
 * @param images (N, 3, height, width)
 * @param targets (N, classes)
 * @example mixBatch(images, smoothTargets(labels, 1000, 0.1), mixing);
 */
export function mixBatch(images: TensorData<"float32">, targets: TensorData<"float32">, mixing: Mixing): void {
  const [count, , height, width] = images.shape as readonly [number, number, number, number];
  if (images.shape.length !== 4 || targets.shape[0] !== count)
    throw new UsageError(
      `pictures [${images.shape.join(", ")}] and targets [${targets.shape.join(", ")}] are not of one batch`,
    );
  let { lambda } = mixing;
  if (lambda === 1) return;
  if (mixing.kind === "mixup") blendWithReverse(images.data, count, lambda);
  else {
    const box = cutmixBox(mixing, width, height);
    swapBoxWithReverse(images, box);
    lambda = 1 - ((box.right - box.left) * (box.bottom - box.top)) / (width * height);
  }
  blendWithReverse(targets.data, count, lambda);
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** timm's rand_bbox: a box of 1 - lambda of the area, cut off where it leaves the picture. */
export function cutmixBox(mixing: Extract<Mixing, { kind: "cutmix" }>, width: number, height: number): Box {
  const side = Math.sqrt(1 - mixing.lambda);
  const cutHeight = Math.trunc(height * side);
  const cutWidth = Math.trunc(width * side);
  const y = Math.floor(mixing.centerY * height);
  const x = Math.floor(mixing.centerX * width);
  const clip = (value: number, high: number) => Math.min(Math.max(value, 0), high);
  return {
    left: clip(x - Math.floor(cutWidth / 2), width),
    right: clip(x + Math.floor((cutWidth + 1) / 2), width),
    top: clip(y - Math.floor(cutHeight / 2), height),
    bottom: clip(y + Math.floor((cutHeight + 1) / 2), height),
  };
}

function blendWithReverse(data: Float32Array, count: number, lambda: number): void {
  const size = data.length / count;
  const keep = Math.fround(lambda);
  const take = Math.fround(1 - lambda);
  for (let row = 0; row < count >> 1; row++) {
    let one = row * size;
    let other = (count - 1 - row) * size;
    for (const end = one + size; one < end; one++, other++) {
      const a = data[one]!;
      const b = data[other]!;
      data[one] = Math.fround(a * keep) + Math.fround(b * take);
      data[other] = Math.fround(b * keep) + Math.fround(a * take);
    }
  }
}

function swapBoxWithReverse(images: TensorData<"float32">, { left, right, top, bottom }: Box): void {
  const [count, channels, height, width] = images.shape as readonly [number, number, number, number];
  const { data } = images;
  if (left >= right) return;
  for (let row = 0; row < count >> 1; row++)
    for (let channel = 0; channel < channels; channel++)
      for (let y = top; y < bottom; y++) {
        const one = ((row * channels + channel) * height + y) * width;
        const other = (((count - 1 - row) * channels + channel) * height + y) * width;
        const kept = data.slice(one + left, one + right);
        data.copyWithin(one + left, other + left, other + right);
        data.set(kept, other + left);
      }
}
