// The k nearest neighbours' votes.
import { nearestOthers, requireNeighbours, votes } from "../neighbours.ts";
import type { HeadMethod } from "./method.ts";

/** From the smoothest to the most flexible. */
const NEIGHBOURS = [50, 30, 20, 10, 5, 3, 1];

export const knnMethod: HeadMethod = {
  parameter: "k",
  grid: async ({ features }) => NEIGHBOURS.filter((k) => k === 1 || k <= features.rows / 4),
  fit: async ({ features, targets, classes, metric }, k) => {
    requireNeighbours(k, features.rows);
    return { kind: "neighbours", classes, k, metric, examples: features, targets };
  },
  leftOut: async ({ features, targets, classes, metric, products, signal }, ks) => {
    const found = await nearestOthers(features, Math.max(...ks), metric, { products, signal });
    return ks.map((k) => votes(found, targets, classes, "uniform", k));
  },
};
