// The threshold in the language of nn/tokens: stop=0.9:dtop. Where tokens stop is part of the model: after its heads.
import { parseReduction } from "../../nn/tokens/language.ts";
import { refuse } from "../../nn/tokens/system.ts";
import type { DtopConfig } from "./config.ts";

const EXAMPLE = "such as stop=0.9:dtop";

/** The same model with another threshold. @throws UsageError for what is not in the language, and for ways that need another kind of model */
export function withStop(config: DtopConfig, line: string): DtopConfig {
  const text = parseReduction(line);
  const { verb, amount, blocks, system, options } = text;
  if (system !== "dtop" || verb !== "stop")
    refuse(text, "tokens of this model stop where a head is sure of them", EXAMPLE);
  if (blocks !== undefined) refuse(text, "tokens stop after heads, which are where the model has them", EXAMPLE);
  if (options.size > 0) refuse(text, "dtop has no options", EXAMPLE);
  if (amount?.kind !== "number" || amount.value === 0 || amount.value > 1)
    return refuse(text, "it needs how sure a head has to be, over 0 and at most 1, where none stops", EXAMPLE);
  return { ...config, thresh: amount.value };
}
