// How many tokens go on in a model with fewer of them, in words.
import type { TokenCounts } from "../model-folder/token-facts.ts";
import { printable } from "./terminal.ts";

/** "keep=0.7@3,6:evit: 196 patches, 139 tokens from block 3 on, 99 from 6" */
export function describeTokens({ tokens, patches, after }: TokenCounts): string {
  const text = printable(tokens);
  // Windows have their grid in the text itself, and no places in the whole picture to count.
  if (after.length === 0) return text;
  if (after.some((one) => typeof one.tokens !== "number"))
    return `${text}: ${patches} patches, of which the picture decides how many go on from block ${after.map(({ block }) => block).join(", ")}`;
  const counts = after.map((one, i) =>
    i === 0 ? `${one.tokens} tokens from block ${one.block} on` : `${one.tokens} from ${one.block}`,
  );
  return `${text}: ${[`${patches} patches`, ...counts].join(", ")}`;
}
