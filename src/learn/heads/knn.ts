// The k nearest neighbours' votes.
import { nearestOthers, requireNeighbours, votes } from "../neighbours.ts";
import type { HeadMethod } from "./method.ts";

/** From the smoothest to the most flexible. */
const NEIGHBOURS = [50, 30, 20, 10, 5, 3, 1];

export const knnMethod: HeadMethod = {
  triesAll: true,
  parameter: "k",
  grid: async ({ features }) => NEIGHBOURS.filter((k) => k === 1 || k <= features.rows / 4),
  fit: async ({ features, targets, classes, metric }, k) => {
    requireNeighbours(k, features.rows);
    return { kind: "neighbours", classes, k, metric, examples: features, targets };
  },
  async *leftOut({ features, targets, classes, metric, products, signal }, ks) {
    const found = await nearestOthers(features, Math.max(...ks), metric, { products, signal });
    for (const k of ks) yield votes(found, targets, classes, "uniform", k);
  },
};
