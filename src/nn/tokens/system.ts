// What a way to reduce tokens states about itself, and how it reads what was written for it.
import { UsageError } from "../../errors.ts";
import { didYouMean } from "../../nearest-name.ts";
import { printAmount, printReduction, type ReductionText } from "./language.ts";
import type { Reduction } from "./reduction.ts";

/** What a system may know of a model before anything is loaded. */
export interface TokenModel {
  readonly blocks: number;
  /** Tokens before those of the patches. */
  readonly special: number;
  /** The patches. */
  readonly grid: { readonly height: number; readonly width: number };
  readonly width: number;
  readonly heads: number;
  /** "sequence": attention of all to all. "windows": attention in windows of a grid, which has to stay one. */
  readonly layout: "sequence" | "windows";
  /** Rows and columns of the windows of a block, of the layout "windows". */
  windowAt?(block: number): { readonly height: number; readonly width: number };
}

/** One entry of the table in systems.ts. */
export interface TokenSystem {
  readonly verb: string;
  /** A line of the language that uses it. */
  readonly example: string;
  /** The layouts of tokens that it can work on. */
  readonly layouts: readonly TokenModel["layout"][];
  /** The names of its options. */
  readonly options?: readonly string[];
  /** Which parameters of a model are its own, by their names. Absent where it learns nothing. */
  readonly parameters?: RegExp;
  /**
   * Checks what was asked for against the model, and says what happens at which block. Builds nothing.
   *
   * @throws UsageError
   */
  plan(text: ReductionText, model: TokenModel): Reduction;
}

export function refuse(text: ReductionText, problem: string, hint?: string): never {
  throw new UsageError(`tokens "${printReduction(text)}": ${problem}`, hint);
}

/** The share of tokens that stays: a number over 0, at most 1. */
export function rateOf(text: ReductionText): number {
  const { amount } = text;
  if (amount?.kind !== "number") return refuse(text, "it needs the share of tokens that stays", "such as keep=0.7");
  if (amount.value === 0) refuse(text, "a share of 0 leaves nothing", "use a share over 0, at most 1");
  if (amount.value > 1)
    refuse(text, `the share ${amount.value} is more than all tokens`, "use a share over 0, at most 1");
  return amount.value;
}

/** The blocks that were named, or all of them where none has to be; each must exist. */
export function blocksOf(text: ReductionText, model: TokenModel, otherwise?: readonly number[]): readonly number[] {
  const blocks = text.blocks ?? otherwise;
  if (blocks === undefined)
    return refuse(text, "it does not say at which blocks", `such as ${text.verb}…@3,6,9:${text.system}`);
  const missing = blocks.find((block) => block >= model.blocks);
  if (missing !== undefined)
    refuse(text, `there is no block ${missing}`, `this model has blocks 0 to ${model.blocks - 1}`);
  return blocks;
}

/** An option that is a number from `least` to `most`, beyond which float32 would make no finite values of it. */
export function numberOption(
  text: ReductionText,
  name: string,
  otherwise: number,
  [least, most]: readonly [number, number],
): number {
  const value = text.options.get(name) ?? otherwise;
  return typeof value === "number" && value >= least && value <= most
    ? value
    : refuse(text, `option ${name} must be a number from ${least} to ${most}`, `such as +${name}=${otherwise}`);
}

/** An option that is said or not. */
export function flagOption(text: ReductionText, name: string): boolean {
  const value = text.options.get(name);
  return value === undefined || value === true ? value === true : refuse(text, `option ${name} takes no value`);
}

/** What every system wants checked: its verb, its options, the kind of model. */
export function checkUse(text: ReductionText, system: TokenSystem, model: TokenModel): void {
  const { verb, example, options = [], layouts } = system;
  if (text.verb !== verb) {
    const amount = text.amount === undefined ? "" : ` ${printAmount(text.amount)}`;
    refuse(text, `${text.system} does not ${text.verb}${amount}, it does ${verb}`, `such as ${example}`);
  }
  for (const name of text.options.keys())
    if (!options.includes(name)) {
      const known = options.length === 0 ? "it has none" : `its options: ${options.join(", ")}`;
      refuse(text, `${text.system} has no option ${name}`, `${didYouMean(name, options)}${known}`);
    }
  if (!layouts.includes(model.layout))
    refuse(
      text,
      model.layout === "windows"
        ? `${text.system} leaves no grid of tokens, and this model's attention needs one for its windows`
        : `${text.system} is for models whose attention works in windows`,
    );
}
