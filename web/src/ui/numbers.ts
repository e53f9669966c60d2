// Numbers for people.

/** Three digits that mean something: "9.4", "41", "1 230". */
export function milliseconds(ms: number): string {
  return ms < 9.95 ? ms.toFixed(1) : grouped(Math.round(ms));
}

/** "67 %"; small shares keep a digit. */
export function percent(share: number): string {
  const value = 100 * share;
  return `${value < 9.95 && value > 0 ? value.toFixed(1) : Math.round(value)} %`;
}

/** Thin spaces between thousands. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

const STEPS = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** 2600000 -> "2.6 M". */
export function compact(value: number, unit = ""): string {
  const step = STEPS.find(([size]) => value >= size);
  if (step === undefined) return `${Math.round(value)} ${unit}`.trim();
  const scaled = value / step[0];
  return `${scaled < 99.5 ? scaled.toPrecision(2) : Math.round(scaled)} ${step[1]}${unit}`;
}
