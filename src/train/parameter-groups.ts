// Which parameters train, which decay, and at what share of the learning rate: the rules of the official recipe (imagenet/optimizer.py:
// no decay for 1-D tensors, biases and the regions), freezing by name pattern, layer-wise decay.
import { UsageError } from "../errors.ts";
import type { Parameter } from "../graph/tensor.ts";

export interface GroupRules {
  readonly weightDecay: number;
  /** Also 1-D tensors and biases decay, as torch.optim's optimisers do it when nobody says otherwise. Default false. */
  readonly decayAll?: boolean;
  /** Names (`*` matches anything) that never decay, besides 1-D tensors and biases. */
  readonly noDecay?: readonly string[];
  /**
   * Names (`*` matches anything) that keep their values. A batch normalisation whose running statistics are among them normalises with those
   * instead of the batch's, as at inference.
   */
  readonly freeze?: readonly string[];
  /**
   * Names (`*` matches anything) that keep their values until a share of the run's updates is done, 0 to 1; of several that fit, the latest counts. Running
   * statistics among them are used and kept as they are until then, as with `freeze`. Default: all train from the beginning.
   */
  readonly unfreeze?: Readonly<Record<string, number>>;
  /** Names (`*` matches anything) of all that trains; everything else keeps its values. Default: whatever is not frozen. */
  readonly only?: readonly string[];
  /** Each layer below the top learns at this factor of the one above. Default 1: all alike. */
  readonly layerDecay?: number;
  /** Factors of the learning rate by name pattern; the first that fits counts. Default: none. */
  readonly rateScales?: Readonly<Record<string, number>>;
}

export interface ParameterRule {
  readonly trains: boolean;
  readonly weightDecay: number;
  readonly rateScale: number;
  /** The share of the run's updates before which it keeps its value; 0 for none. */
  readonly wakesAt: number;
}

/** One rule a parameter. Throws UsageError when a pattern matches nothing, which is always a mistake. */
export function parameterRules(parameters: Iterable<Parameter>, rules: GroupRules): Map<string, ParameterRule> {
  const all = [...parameters];
  const scales = Object.entries(rules.rateScales ?? {});
  const waking = Object.keys(rules.unfreeze ?? {});
  for (const pattern of [...(rules.freeze ?? []), ...waking, ...(rules.only ?? []), ...scales.map(([name]) => name)])
    if (!all.some(({ name }) => namePattern([pattern])(name)))
      throw new UsageError(`no parameter is named like "${pattern}"`);
  const frozen = isFrozen(rules);
  const undecayed = namePattern(rules.noDecay ?? []);
  const deepest = Math.max(0, ...all.map(({ name }) => layerOf(name) ?? 0));
  const decay = rules.layerDecay ?? 1;
  const layerScale = (name: string) =>
    decay === 1 ? 1 : decay ** (deepest + 1 - (layerOf(name) ?? (isTop(name) ? deepest + 1 : -1)));
  const ownScale = (name: string) => scales.find(([pattern]) => namePattern([pattern])(name))?.[1] ?? 1;
  const isSpared = (name: string, shape: readonly number[]) =>
    undecayed(name) || (rules.decayAll !== true && (shape.length <= 1 || name.endsWith(".bias")));
  return new Map(
    all.map(({ name, shape, trainable }) => [
      name,
      {
        trains: trainable && !frozen(name),
        weightDecay: isSpared(name, shape) ? 0 : rules.weightDecay,
        rateScale: layerScale(name) * ownScale(name),
        wakesAt: wakingTime(rules, name),
      },
    ]),
  );
}

/** Tells by its name whether a parameter keeps its values. */
export function isFrozen({ freeze = [], only }: Pick<GroupRules, "freeze" | "only">): (name: string) => boolean {
  const named = namePattern(freeze);
  const trains = only === undefined ? () => true : namePattern(only);
  return (name) => named(name) || !trains(name);
}

/** From which share of the run's updates on a parameter or buffer moves. */
export function wakingTime({ unfreeze = {} }: Pick<GroupRules, "unfreeze">, name: string): number {
  const times = Object.entries(unfreeze).filter(([pattern]) => namePattern([pattern])(name));
  return Math.max(0, ...times.map(([, time]) => time));
}

/** Tells whether a name matches one of the patterns, in which `*` stands for anything. */
export function namePattern(list: readonly string[]): (name: string) => boolean {
  const tests = list.map((text) => new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`));
  return (name) => tests.some((pattern) => pattern.test(name));
}

/** Depth of a parameter by its first number: layers.3.attn… -> 3. */
function layerOf(name: string): number | undefined {
  const match = /(?:^|\.)(?:layers|blocks|stages)\.(\d+)\./.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Heads, those of early answers too, and final norms learn at the full rate; stems and embeddings at the lowest. */
function isTop(name: string): boolean {
  return /^(head|head_dist|exits|proj|norm|fc|classifier|distillation|pretext)(\.|$)/.test(name);
}
