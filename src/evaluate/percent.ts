// Probabilities as people read them.

/** "83 %", with a digit more below ten. */
export function percent(score: number): string {
  return `${(100 * score).toFixed(score >= 0.0995 ? 0 : 1)} %`;
}
