// One dial for how many tokens a model works with: a SparseFormer's number of latent tokens, or what a transformer drops, merges or clusters on its
// way, in the language of nn/tokens. Either is a field of the configuration, so what is saved or exported states it.
import { SaccadeError, UsageError, WeightsMismatchError } from "../errors.ts";
import { ALL_TOKENS } from "../models/token-reduction.ts";
import { canonicalReduction } from "../nn/tokens/systems.ts";

/** A number of latent tokens, a reduction ("keep=0.7@3,6,9:evit"), or "none" for all tokens. */
export type TokenDial = number | string;

interface Dialled {
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  readonly tokens?: TokenDial | undefined;
}

/**
 * Options whose dial has become a field of the configuration.
 *
 * @throws UsageError for what is neither a number of tokens nor in the language
 */
export function withTokenDial<O extends Dialled>(options: O): Omit<O, "tokens"> {
  const { tokens, ...rest } = options;
  return tokens === undefined ? rest : { ...rest, config: { ...options.config, ...dialField(tokens) } };
}

function dialField(tokens: TokenDial): Readonly<Record<string, unknown>> {
  if (typeof tokens === "string")
    return { tokens: tokens.trim() === ALL_TOKENS ? ALL_TOKENS : canonicalReduction(tokens) };
  if (Number.isInteger(tokens) && tokens >= 1) return { num_latent_tokens: tokens };
  throw new UsageError(`tokens must be a whole number of at least 1 or a reduction, got ${tokens}`);
}

/** What stands in the way of other tokens, in words of the dial and not of configurations and weights. */
export function aboutTokens(error: unknown, { config = {} }: Omit<Dialled, "tokens">): unknown {
  if (config.num_latent_tokens !== undefined) return aboutLatentTokens(error);
  if (typeof config.tokens === "string" && error instanceof WeightsMismatchError)
    return aboutReduction(error, config.tokens);
  return error;
}

function aboutLatentTokens(error: unknown): unknown {
  const hint = "leave --tokens out, or take a model with one shared token";
  if (error instanceof WeightsMismatchError && error.wrongShape.length > 0)
    return new UsageError("the model has learned its tokens one by one, so their number cannot change", hint);
  // Architectures say so when they check a field that they do not have.
  const isUnknown = error instanceof SaccadeError && error.message.includes('"num_latent_tokens"');
  return isUnknown ? new UsageError("the model has no latent tokens to change the number of", hint) : error;
}

/** Reductions that are learnt have parameters of their own, as many as they have places. */
function aboutReduction({ missing, unexpected, data }: WeightsMismatchError, tokens: string): UsageError {
  const named = (names: readonly string[]) =>
    `${names.slice(0, 3).join(", ")}${names.length > 3 ? `, and ${names.length - 3} more` : ""}`;
  const parts = [
    ...(missing.length === 0 ? [] : [`they have no ${named(missing)}`]),
    ...(unexpected.length === 0 ? [] : [`it has no use for ${named(unexpected)}`]),
  ];
  return new UsageError(
    `the weights do not go with tokens "${tokens}"${parts.length === 0 ? "" : `: ${parts.join("; ")}`}`,
    "what is learnt goes with the places it was trained for; evit, tome and others without weights of their own go with any",
    data,
  );
}

/**
 * What a command line or a form says: a whole number, else a reduction.
 *
 * @throws UsageError for a text that is neither
 */
export function parseTokenDial(text: string): TokenDial {
  const isNumber = /^[+-]?[\d.]+$/.test(text.trim());
  if (isNumber && Number.isNaN(Number(text)))
    throw new UsageError(`"${text}" is neither a number of tokens nor a reduction`);
  const tokens = isNumber ? Number(text) : text;
  dialField(tokens);
  return tokens;
}
