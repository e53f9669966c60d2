// What a crowded queue costs: models in steps are given less to do before anybody is refused, within what the operator allows.

export interface OverloadLimits {
  /** How full a queue is, 0..1, when budgets begin to fall. */
  readonly from: number;
  /** The share of a model's whole cost that is left when it is full. 1: budgets never fall. */
  readonly floor: number;
}

/** The share of a model's whole cost that a picture may take, 0..1, falling evenly from 1 to the floor. */
export function costShare(fullness: number, { from, floor }: OverloadLimits): number {
  if (floor >= 1 || fullness <= from) return 1;
  if (fullness >= 1) return floor;
  return 1 - (1 - floor) * ((fullness - from) / (1 - from));
}
