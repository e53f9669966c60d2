// A head that was learnt on a model's features, as its folder says it. Numbers that are many are weights, under names that begin with `learnt.`.

/** Scores of being none of the classes that are computed in a model's graph; in all of them more is stranger. */
export const UNKNOWN_SCORES = ["probability", "energy", "neighbours", "mahalanobis"] as const;
export type UnknownScore = (typeof UNKNOWN_SCORES)[number];

/** How one vector a picture is made of a layer: of tokens or places; "none" where it is one, or all values are taken. */
export const HEAD_POOLINGS = ["mean", "max", "first", "none"] as const;
export type HeadPooling = (typeof HEAD_POOLINGS)[number];

/** How distances between features are measured. */
export const DISTANCES = ["cosine", "l2"] as const;
export type Distance = (typeof DISTANCES)[number];

/** When an answer is "none of these". */
export interface UnknownRule {
  readonly score: UnknownScore;
  /** A score above it means "none of these". */
  readonly threshold: number;
  /** The share of pictures of the classes that were to be taken for strangers, 0..1. */
  readonly rate: number;
  /** Of "neighbours": the distance to which neighbour, both of length 1. */
  readonly k?: number | undefined;
}

interface AnyHead {
  /** Which head it is: "svm", "logistic", … */
  readonly name: string;
  readonly classes: number;
  /** Numbers of a feature vector. */
  readonly width: number;
  /** Which layer of the model the features are, or which value of an ONNX file. */
  readonly layer: string;
  /** How one vector is made of tokens and maps. */
  readonly pooling: HeadPooling;
  /** Whether every feature becomes the square root of its size first, with its sign. */
  readonly power: boolean;
  /** Whether features are brought to length 1 then. */
  readonly normalize: boolean;
  /** By what decisions are multiplied to be logits. */
  readonly scale: number;
  readonly unknown?: UnknownRule | undefined;
  /** Examples that travel with the head as `learnt.examples`, where something asks for them. */
  readonly examples?: number | undefined;
}

/** Decisions are features times `learnt.weight` (classes, width) plus `learnt.bias` (classes). */
export interface LinearHead extends AnyHead {
  readonly kind: "linear";
}

/** Decisions are logarithms of the share of votes of the nearest of `learnt.examples` (examples, width), whose classes are `learnt.targets`. */
export interface NeighboursHead extends AnyHead {
  readonly kind: "neighbours";
  readonly k: number;
  readonly metric: Distance;
}

export type LearntHead = LinearHead | NeighboursHead;

/** What the names of a learnt head's weights begin with. */
export const LEARNT_PREFIX = "learnt.";
