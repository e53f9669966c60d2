// Expedit (Liang et al., NeurIPS 2022, arXiv 2210.01035): before a block the patches' tokens are clustered to those of a smaller grid, which go on; what wants all of
// them back reconstructs them from the clusters they are near to. Nothing is learned. A classifier needs no reconstruction (Expedit-SWAG, models/hourglass_vit.py);
// maps of features do. What clusters and reconstruction are is in clusters.ts.
import { concat, slice } from "../../graph/build.ts";
import type { TokenGrid } from "../windows.ts";
import { type ClusteringOptions, clustering } from "./clusters.ts";
import type { ReductionText } from "./language.ts";
import type { Step, WindowStep } from "./reduction.ts";
import { type Rows, transform } from "./state.ts";
import { blocksOf, flagOption, numberOption, refuse, type TokenSystem } from "./system.ts";

export const expedit: TokenSystem = {
  verb: "cluster",
  example: "cluster=10x10@6:expedit",
  layouts: ["sequence", "windows"],
  options: ["tau", "k", "norm", "hard", "iterations", "window"],
  plan(text, model) {
    const [block, ...more] = blocksOf(text, model);
    if (more.length > 0) refuse(text, "tokens are clustered once", `name one block, such as @${block}`);
    const from = model.windowAt?.(block!) ?? model.grid;
    const options = { to: gridOf(text, from), ...optionsOf(text) };
    // As many clusters as tokens are the tokens.
    if (options.to.height === from.height && options.to.width === from.width) return { steps: new Map() };
    if (model.layout === "windows") return { steps: new Map(), windows: new Map([[block!, windowStep(options)]]) };
    return { steps: new Map([[block!, sequenceStep(from, options)]]) };
  },
};

/** Of a model whose tokens are one sequence: those in front of the patches' stay. */
function sequenceStep(from: TokenGrid, options: ClusteringOptions): Step {
  return {
    before(tokens) {
      const { x, special } = tokens;
      const { rows, back } = clustering(slice(x, 1, special), from, options);
      const besides =
        (change: Rows): Rows =>
        (values) =>
          concat([...(special === 0 ? [] : [slice(values, 1, 0, special)]), change(slice(values, 1, special))], 1);
      return transform(tokens, besides(rows), { back: besides(back) });
    },
  };
}

function windowStep(options: ClusteringOptions): WindowStep {
  return {
    to: options.to,
    shrink(x, from) {
      const { rows, back } = clustering(x, from, options);
      return { tokens: rows(x), restore: back };
    },
  };
}

/** Rows and columns of clusters. */
function gridOf(text: ReductionText, from: TokenGrid): TokenGrid {
  const { amount } = text;
  if (amount?.kind !== "grid") return refuse(text, "it needs rows and columns of clusters", "such as cluster=10x10");
  const { height, width } = amount;
  if (![height, width].every((size) => Number.isInteger(size) && size >= 1))
    refuse(text, `there are no ${height}x${width} clusters`, "rows and columns are whole numbers of at least 1");
  if (height > from.height || width > from.width)
    refuse(text, `there are only ${from.height}x${from.width} tokens to cluster`, "use a smaller grid");
  return amount;
}

/** Options with the official code's own defaults. */
function optionsOf(text: ReductionText): Omit<ClusteringOptions, "to"> {
  const whole = (name: string, otherwise: number, most: number) => {
    const value = numberOption(text, name, otherwise, [1, most]);
    return Number.isInteger(value)
      ? value
      : refuse(text, `option ${name} must be a whole number from 1 to ${most}, such as +${name}=${otherwise}`);
  };
  const window = whole("window", 5, MOST);
  if (window % 2 === 0) refuse(text, "option window must be odd: the cluster a token starts in is its middle");
  const norm = text.options.get("norm") ?? "l2";
  return {
    iterations: whole("iterations", 5, MOST),
    tau: numberOption(text, "tau", 0.01, [0, MOST_TAU]),
    window,
    k: whole("k", 20, MOST_NEAREST),
    norm: norm === "l1" || norm === "l2" ? norm : refuse(text, "option norm must be l1 (a mean) or l2 (as released)"),
    unpool: flagOption(text, "hard") ? "hard" : "soft",
  };
}

const MOST = 99;
/** Far more than makes every cluster a hard one, and far less than what outweighs the mask of cluster-reach.ts. */
const MOST_TAU = 1000;
const MOST_NEAREST = 65536;
