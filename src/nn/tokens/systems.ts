// The ways to reduce tokens, by name. A new one is a file beside this and a line here.
import { UsageError } from "../../errors.ts";
import { didYouMean } from "../../nearest-name.ts";
import { dynamicvit } from "./dynamicvit.ts";
import { evit } from "./evit.ts";
import { expedit } from "./expedit.ts";
import { iaRed2 } from "./ia-red2.ts";
import { parseReduction, printReduction } from "./language.ts";
import { prune } from "./prune.ts";
import type { Reduction } from "./reduction.ts";
import { checkUse, type TokenModel, type TokenSystem } from "./system.ts";
import { tokenTransforming } from "./token-transforming.ts";
import { tome } from "./tome.ts";

export const TOKEN_SYSTEMS: ReadonlyMap<string, TokenSystem> = new Map<string, TokenSystem>([
  ["prune", prune],
  ["evit", evit],
  ["tome", tome],
  ["transforming", tokenTransforming],
  ["expedit", expedit],
  ["dynamicvit", dynamicvit],
  ["ia-red2", iaRed2],
]);

/** A line of the language, as it is written once and for all. @throws UsageError */
export function canonicalReduction(text: string): string {
  return printReduction(parseReduction(text));
}

/**
 * What a line of the language means for a model.
 *
 * @throws UsageError for what is not in the language, what the model does not have, and what leaves nothing
 */
export function planReduction(text: string, model: TokenModel): Reduction {
  const parsed = parseReduction(text);
  const system = TOKEN_SYSTEMS.get(parsed.system);
  const names = [...TOKEN_SYSTEMS.keys()];
  if (system === undefined)
    throw new UsageError(
      `tokens "${printReduction(parsed)}": tokens of this model are not reduced by ${parsed.system}`,
      `${didYouMean(parsed.system, names)}there are ${names.join(", ")}`,
    );
  checkUse(parsed, system, model);
  return system.plan(parsed, model);
}

/**
 * Of a model's parameters, those of systems that learn.
 *
 * @param used the names of the model's parameters as it is now
 * @returns whether a name is a parameter of a system that the model does not go on with
 */
export function isOfAnotherSystem(used: Iterable<string>): (name: string) => boolean {
  const names = [...used];
  const others = [...TOKEN_SYSTEMS.values()].flatMap(({ parameters }) =>
    parameters === undefined || names.some((name) => parameters.test(name)) ? [] : [parameters],
  );
  return (name) => others.some((parameters) => parameters.test(name));
}
