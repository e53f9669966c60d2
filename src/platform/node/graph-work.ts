/** What a processor's engine is to do about the model's graph besides running it. */
export interface GraphWork {
  /** It has been through the engine's optimisation already. */
  readonly isOptimized?: boolean;
  /** A new file for the optimised model, for this engine on this kind of processor. */
  readonly saveAs?: string;
}
