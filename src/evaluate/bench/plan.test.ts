import { expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { type BenchOptions, planBench, settingOf } from "./plan.ts";
import type { Subject } from "./subjects.ts";

const MACHINE = {
  processor: "any",
  cores: 2,
  machineCores: 2,
  simd: [],
  memoryBytes: 10e9,
  memoryIsLimited: false,
};

const OPTIONS: BenchOptions = {
  models: [],
  batches: [1],
  devices: ["cpu"],
  precisions: ["float32"],
  threads: [2],
  rounds: 1,
  seconds: 1,
  seed: 0,
  decode: false,
  limit: false,
  fresh: false,
  trace: false,
};

/** A model whose values take 1 MB a thousand pixels and picture, and that takes sizes up to 512. */
function subject(name: string, more: Partial<Subject> = {}): Subject {
  return {
    model: { kind: "onnx", card: { name }, bytes: new Uint8Array() },
    name,
    parameters: 1e6,
    answers: "classes",
    usual: { height: 96, width: 64 },
    channels: 3,
    normalization: "normalize(imagenet)",
    refuses: ({ height }) => (height > 512 ? "too large" : undefined),
    cost: ({ height, width, batch = 1 }) => ({
      parameters: 1e6,
      macs: 1,
      macsAtLeast: 0,
      decisions: 0,
      macsAtLoad: 0,
      activations: { peakBytes: 1000 * batch * height * width, totalBytes: 0 },
      parts: [],
      ops: [],
    }),
    compile: () => ({ bytes: new Uint8Array(), inputName: "image", outputName: "logits" }),
    ...more,
  };
}

const settings = (
  { resolutions = [], ...options }: Partial<BenchOptions> & { resolutions?: number[] },
  subjects = [subject("a"), subject("b")],
) => {
  const models = subjects.map((one) => ({ subject: one, resolutions }));
  const { stations, skipped } = planBench(models, { ...OPTIONS, ...options }, MACHINE);
  return { stations, skipped, rows: stations.flatMap((station) => station.batches.map((b) => settingOf(station, b))) };
};

test("each model at its own size, unless sizes are given", () => {
  expect(settings({}).rows.map(({ model, height, width }) => [model, height, width])).toEqual([
    ["a", 96, 64],
    ["b", 96, 64],
  ]);
  const sized = settings({ resolutions: [32, 48] }).rows;
  expect(sized.map(({ model, height, width }) => [model, height, width])).toEqual([
    ["a", 32, 32],
    ["a", 48, 48],
    ["b", 32, 32],
    ["b", 48, 48],
  ]);
});

test("everything with everything; batches share a session", () => {
  const { stations, rows } = settings({ batches: [1, 8], devices: ["cpu", "wasm"], threads: [1, 2] });
  expect(stations).toHaveLength(8);
  expect(rows).toHaveLength(16);
  expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(16);
});

test("what a model does not take is skipped, with its reason", () => {
  const { rows, skipped } = settings({ resolutions: [256, 1024] });
  expect(rows.map(({ height }) => height)).toEqual([256, 256]);
  expect(skipped).toEqual([
    expect.objectContaining({ model: "a", height: 1024, batch: 1, reason: "too large" }),
    expect.objectContaining({ model: "b", height: 1024, batch: 1, reason: "too large" }),
  ]);
});

test("a batch that would not fit into memory is skipped, the smaller ones are not", () => {
  const { rows, skipped } = settings({ resolutions: [512], batches: [1, 64] }, [subject("a")]);
  expect(rows.map(({ batch }) => batch)).toEqual([1]);
  expect(skipped[0]!.reason).toBe("it needs about 25.2 GB; 7.0 GB may be used");
});

test("all of it together must fit", () => {
  const many = Array.from({ length: 20 }, (_, i) => subject(`model ${i}`));
  expect(() => settings({ resolutions: [512] }, many)).toThrow(/together needs about 8\.0 GB/);
});

test("nothing to measure, or too much: said as such", () => {
  expect(() => settings({ resolutions: [600] })).toThrow(UsageError);
  expect(() => settings({ resolutions: [600] })).toThrow("there is nothing to measure");
  const sizes = Array.from({ length: 300 }, (_, i) => i + 1);
  expect(() => settings({ resolutions: sizes }, [subject("a")])).toThrow(/300 combinations/);
});

test("clips are not decoded", () => {
  const clip = subject("clip", { usual: { height: 64, width: 64, frames: 8 } });
  expect(settings({}, [clip]).rows[0]).toMatchObject({ frames: 8 });
  expect(() => settings({ decode: true }, [clip])).toThrow("nothing to measure");
});

test("files whose values nobody counts are not refused for them", () => {
  const foreign = subject("foreign", { cost: () => undefined, parameters: undefined });
  expect(settings({ batches: [1000] }, [foreign]).rows).toHaveLength(1);
});
