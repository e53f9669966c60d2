import { expect, test } from "vitest";
import { cosineRate } from "./schedule.ts";

// timm 1.0.29: CosineLRScheduler(optimizer, t_initial=20, lr_min=1e-5, warmup_lr_init=1e-6, warmup_t=4, cycle_limit=1, t_in_epochs=False), the
// rate before each update with step_update(1), step_update(2), … after it, as timm's train.py calls it. The cosine counts from the start of the
// warm-up (warmup_prefix is off), so the first rate after it is below the base rate.
const TIMM = [
  1e-6, 0.00025075, 0.0005005, 0.00075025, 0.0009054634122, 0.0008550178567, 0.0007959536999, 0.0007297252974,
  0.0006579634122, 0.0005824350602, 0.000505, 0.0004275649398, 0.0003520365878, 0.0002802747026, 0.0002140463001,
  0.0001549821433, 0.0001045365878, 6.395177053e-5, 3.422702443e-5, 1.609427141e-5, 1e-5, 1e-5, 1e-5,
];

test("the cosine schedule with warm-up is timm's", () => {
  const schedule = { baseRate: 1e-3, warmupRate: 1e-6, minimumRate: 1e-5, warmupSteps: 4, totalSteps: 20 };
  TIMM.forEach((rate, step) => {
    expect(cosineRate(schedule, step), `update ${step}`).toBeCloseTo(rate, 12);
  });
});

test("without warm-up it begins with the base rate", () => {
  const schedule = { baseRate: 0.1, warmupRate: 0, minimumRate: 0, warmupSteps: 0, totalSteps: 10 };
  expect(cosineRate(schedule, 0)).toBe(0.1);
  expect(cosineRate(schedule, 5)).toBeCloseTo(0.05, 12);
  expect(cosineRate(schedule, 10)).toBe(0);
});
