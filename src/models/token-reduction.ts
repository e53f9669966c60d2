// The field `tokens` of configurations: what a model does with its tokens (nn/tokens/).
import { z } from "zod";
import { UsageError } from "../errors.ts";
import type { TokenModel } from "../nn/tokens/system.ts";
import { canonicalReduction, planReduction } from "../nn/tokens/systems.ts";

/** The word for a model that goes on with all its tokens. */
export const ALL_TOKENS = "none";

/** A line of the language, in its one spelling; "none" is as if the field were not there. */
export const tokensField = z.string().transform((text, context) => {
  try {
    return text.trim() === ALL_TOKENS ? undefined : canonicalReduction(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: faultOf(error) });
    return z.NEVER;
  }
});

/** What is wrong with a line for a model; undefined for nothing. */
export function tokensFault(text: string, model: TokenModel): string | undefined {
  try {
    planReduction(text, model);
    return undefined;
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): string {
  if (!(error instanceof UsageError)) throw error;
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}

/**
 * A configuration with its tokens reduced.
 *
 * @throws UsageError for what is not in the language, what the model does not have, and what leaves nothing
 */
export function withTokens<Config extends { readonly tokens?: string | undefined }>(
  config: Config,
  text: string,
  model: TokenModel,
): Config {
  planReduction(text, model);
  return { ...config, tokens: canonicalReduction(text) };
}
