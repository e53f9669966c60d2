// Learning rates by step: linear warm-up, then cosine to a floor (timm's CosineLRScheduler with warmup_prefix off, stepped every update).
export interface CosineSchedule {
  readonly baseRate: number;
  readonly warmupRate: number;
  readonly minimumRate: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/** Rate of update `step` (0, 1, …). Beyond `totalSteps` it stays at the minimum. */
export function cosineRate(schedule: CosineSchedule, step: number): number {
  const { baseRate, warmupRate, minimumRate, warmupSteps, totalSteps } = schedule;
  if (step < warmupSteps) return warmupRate + ((baseRate - warmupRate) * step) / warmupSteps;
  if (step >= totalSteps) return minimumRate;
  return minimumRate + 0.5 * (baseRate - minimumRate) * (1 + Math.cos((Math.PI * step) / totalSteps));
}
