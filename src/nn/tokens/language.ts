// What to do with tokens, as one line of text: VERB[=AMOUNT][@BLOCKS]:SYSTEM[+OPTION[=VALUE]]…
//   keep=0.7@3,6,9:evit      merge=13:tome      merge=26..0@0,1,2:tome+noprop      cluster=28x28@10:expedit+k=20      policy@0,4,8:ia-red2
// Which verbs, amounts and options there are, systems say (system.ts); here is only how they are written.
import { UsageError } from "../../errors.ts";

/** 0.7, 13..0 or 28x28. */
export type Amount =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "range"; readonly from: number; readonly to: number }
  | { readonly kind: "grid"; readonly height: number; readonly width: number };

export interface ReductionText {
  readonly verb: string;
  readonly amount?: Amount;
  /** Blocks, counted from 0, in ascending order. */
  readonly blocks?: readonly number[];
  readonly system: string;
  /** A number, a word, or true for an option that stands for itself. */
  readonly options: ReadonlyMap<string, number | string | true>;
}

const FORM = /^([a-z]+)(?:=([^@:+]*))?(?:@([^:+]*))?:([a-z0-9-]+)((?:\+[^+]*)*)$/;
const NUMBER = /^(?:\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?$/;
const LONGEST = 200;

/** @throws UsageError that says what is wrong and how it is written */
export function parseReduction(text: string): ReductionText {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  const refuse = (problem: string): never => {
    throw new UsageError(
      `tokens "${short}": ${problem}`,
      "it is written VERB=AMOUNT@BLOCKS:SYSTEM, such as keep=0.7@3,6,9:evit or merge=13:tome; options follow after a plus",
    );
  };
  const match = text.length > LONGEST ? null : FORM.exec(text.trim());
  if (match === null)
    return refuse(
      /^[a-z]+=[^:]+$/.test(short) ? "it names no system, after a colon" : "this is not a way to reduce tokens",
    );
  const [, verb, amount, blocks, system, options] = match;
  return {
    verb: verb!,
    ...(amount === undefined ? {} : { amount: amountOf(amount, refuse) }),
    ...(blocks === undefined ? {} : { blocks: blocksOf(blocks, refuse) }),
    system: system!,
    options: optionsOf(options!, refuse),
  };
}

type Refuse = (problem: string) => never;

function numberOf(text: string, refuse: Refuse): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : refuse(`"${text}" is not a number`);
}

function amountOf(text: string, refuse: Refuse): Amount {
  const numbers = (separator: string) => text.split(separator).map((part) => numberOf(part, refuse));
  if (text.includes("..")) {
    const [from, to, ...more] = numbers("..");
    return more.length > 0 ? refuse(`"${text}" is not a range`) : { kind: "range", from: from!, to: to! };
  }
  if (text.includes("x")) {
    const [height, width, ...more] = numbers("x");
    return more.length > 0 ? refuse(`"${text}" is not a grid`) : { kind: "grid", height: height!, width: width! };
  }
  return { kind: "number", value: numberOf(text, refuse) };
}

function blocksOf(text: string, refuse: Refuse): number[] {
  const blocks = text
    .split(",")
    .map((part) => (/^\d{1,4}$/.test(part) ? Number(part) : refuse(`"${part}" is no block`)));
  const twice = blocks.find((block, i) => blocks.indexOf(block) !== i);
  if (twice !== undefined) refuse(`block ${twice} is named twice`);
  return blocks.sort((a, b) => a - b);
}

function optionsOf(text: string, refuse: Refuse): ReadonlyMap<string, number | string | true> {
  const options = new Map<string, number | string | true>();
  for (const part of text.split("+").slice(1)) {
    const [, name, value] = /^([a-z][a-z0-9-]*)(?:=(.+))?$/.exec(part) ?? refuse(`"${part}" is not an option`);
    if (options.has(name!)) refuse(`option ${name} is given twice`);
    if (value !== undefined && !NUMBER.test(value) && !/^[a-z][a-z0-9-]*$/.test(value))
      refuse(`"${value}" is neither a number nor a word`);
    options.set(name!, value === undefined ? true : NUMBER.test(value) ? numberOf(value, refuse) : value);
  }
  return options;
}

/** The one way to write it: numbers shortest, blocks in order, options by name. */
export function printReduction({ verb, amount, blocks, system, options }: ReductionText): string {
  const value = amount === undefined ? "" : `=${printAmount(amount)}`;
  const at = blocks === undefined ? "" : `@${blocks.join(",")}`;
  const named = [...options].sort(([a], [b]) => (a < b ? -1 : 1));
  const written = (option: number | string) => (typeof option === "number" ? printNumber(option) : option);
  const more = named.map(([name, option]) => (option === true ? `+${name}` : `+${name}=${written(option)}`));
  return `${verb}${value}${at}:${system}${more.join("")}`;
}

/** Without the plus of large exponents, which would begin an option. */
const printNumber = (value: number) => String(value).replace("e+", "e");

export function printAmount(amount: Amount): string {
  switch (amount.kind) {
    case "number":
      return printNumber(amount.value);
    case "range":
      return `${printNumber(amount.from)}..${printNumber(amount.to)}`;
    case "grid":
      return `${printNumber(amount.height)}x${printNumber(amount.width)}`;
  }
}
