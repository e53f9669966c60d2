import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSession } from "../../../test/train/fit.ts";
import { LABELS, SIZE, shapes, tinyRecipe, worker } from "../../../test/train/shapes.ts";
import type { Batch, Loader } from "../../data/loader.ts";
import { AbortedError, FormatError, SaccadeError } from "../../errors.ts";
import { gemm, mul, reduceMean, reshape, values } from "../../graph/build.ts";
import { trace } from "../../graph/scope.ts";
import { lower } from "../../onnx/lower.ts";
import type { Session } from "../../runtime/session.ts";
import { tensor } from "../../tensor.ts";
import { fittingLoader, trainingLoader } from "../loaders.ts";
import { MemoryFiles } from "../run/memory-files.test-helper.ts";
import type { Probe } from "./probe.ts";
import { planView } from "./view-graph.ts";
import {
  featuresOfViews,
  fitOnViews,
  loadProbe,
  saveProbe,
  targetsOfViews,
  viewTeacher,
  withViewTeacher,
} from "./views.ts";

const mixed = tinyRecipe({ mixup: 0.8, cutmix: 1, label_smoothing: 0.1 });
const TEACHING = { weight: 0.7, temperature: 2 };
/** The teacher sees pictures of the view's own size, normalised to -1..1. */
const plan = planView({ ...mixed, transform: "normalize(inception)" });
const PROBE: Probe = {
  weight: Float32Array.of(3, -1, 0, 0.5, 2, -2, -1, -1, 4),
  bias: Float32Array.of(0.1, 0, -0.3),
};

/** A teacher that tells colours: the mean of each channel. */
function colours(batch: number | string = "batch", size = SIZE): Uint8Array {
  const graph = trace((scope) => {
    const means = reduceMean(scope.graph.input("pixels", [batch, 3, size, size]), [2, 3]);
    return { logits: mul(means, 2), features: means };
  });
  return lower(graph, { parameters: new Map() });
}

/** A teacher that looks at the picture's values in their places. */
function rows(size: number): Uint8Array {
  const graph = trace((scope) => ({
    features: reshape(scope.graph.input("pixels", ["batch", 3, size, size]), [-1, 3 * size * size]),
  }));
  return lower(graph, {});
}

const teacher = viewTeacher(colours(), "colours.onnx", plan, mixed.batch);

/** Targets by hand. */
function taughtByHand({ images, targets }: Batch): number[] {
  const plane = SIZE * SIZE;
  const student = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  return Array.from({ length: images.shape[0]! }, (_, row) => {
    const features = [0, 1, 2].map((c) => {
      const values = [...images.data.subarray((3 * row + c) * plane, (3 * row + c + 1) * plane)];
      const mean = values.reduce((a, b) => a + b) / plane;
      return (mean * student.std[c]! + student.mean[c]! - 0.5) / 0.5;
    });
    const logits = [0, 1, 2].map(
      (k) => PROBE.bias[k]! + features.reduce((sum, value, c) => sum + value * PROBE.weight[3 * k + c]!, 0),
    );
    const soft = logits.map((logit) => Math.exp(logit / TEACHING.temperature));
    const sum = soft.reduce((a, b) => a + b);
    return soft.map((value, k) => (0.7 * value) / sum + 0.3 * targets.data[3 * row + k]!);
  }).flat();
}

async function take(loader: Loader, count: number): Promise<Batch[]> {
  const taken: Batch[] = [];
  for await (const batch of loader.batches()) if (taken.push(batch) === count) break;
  return taken;
}

describe("targets of a batch", () => {
  let session: Session;
  beforeAll(async () => {
    session = await createSession(targetsOfViews(teacher, PROBE, TEACHING), {});
  });
  afterAll(() => session.dispose());

  test.each([
    ["in turns", false],
    ["one ahead", true],
  ])(
    "are the teacher's opinion of the very pictures in it, after mixing, and its own targets: %s",
    async (_, ahead) => {
      const plain = trainingLoader(shapes(12), mixed, [worker()]);
      const taught = withViewTeacher(trainingLoader(shapes(12), mixed, [worker()]), session, { ahead });
      try {
        const before = await take(plain, 6);
        const after = await take(taught, 6);
        expect(before.some(({ targets }) => targets.data.some((value) => value > 0.2 && value < 0.8))).toBe(true);
        after.forEach((batch, i) => {
          const { targets, ...rest } = batch;
          const { targets: _, ...others } = before[i]!;
          expect(rest).toEqual(others);
          const expected = taughtByHand(before[i]!);
          targets.data.forEach((value, k) => {
            expect(value).toBeCloseTo(expected[k]!, 5);
          });
        });
        expect([taught.batchesPerEpoch, taught.problems]).toEqual([plain.batchesPerEpoch, []]);
      } finally {
        await plain.dispose();
        await taught.dispose();
      }
    },
  );

  test("come with the teacher's features less their mean, where the recipe learns from them", async () => {
    const mean = Float32Array.of(0.1, -0.2, 0.3);
    const bytes = (features?: number) => targetsOfViews(teacher, { ...PROBE, mean }, { ...TEACHING, features });
    const told = await createSession(bytes(0.5), {});
    const plain = trainingLoader(shapes(12), mixed, [worker()]);
    const taught = withViewTeacher(trainingLoader(shapes(12), mixed, [worker()]), told, { ahead: false });
    try {
      const [before] = await take(plain, 1);
      const [after] = await take(taught, 1);
      const plane = SIZE * SIZE;
      const student = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
      expect(after!.teacher!.shape).toEqual([mixed.batch, 3]);
      after!.teacher!.data.forEach((value, i) => {
        const values = before!.images.data.subarray(i * plane, (i + 1) * plane);
        const colour = values.reduce((a, b) => a + b) / plane;
        const c = i % 3;
        expect(value).toBeCloseTo((colour * student.std[c]! + student.mean[c]! - 0.5) / 0.5 - mean[c]!, 5);
      });
      expect((await createSession(bytes(), {})).outputs.map(({ name }) => name)).toEqual(["student/taught"]);
    } finally {
      await plain.dispose();
      await taught.dispose();
      await told.dispose();
    }
  });

  /** The session, with something done before every run. */
  const tapped = (act: (run: number) => void): Session => {
    let runs = 0;
    return {
      device: session.device,
      inputs: session.inputs,
      outputs: session.outputs,
      async run(feeds, options) {
        act(++runs);
        return session.run(feeds, options);
      },
      dispose: async () => undefined,
    };
  };

  test.each([
    ["before a batch is asked for", true, 1],
    ["when a batch is asked for", false, 0],
  ])("the teacher works %s, and never beyond the end", async (_, ahead, lead) => {
    let seen = 0;
    const counting = tapped((run) => {
      seen = run;
    });
    const loader = withViewTeacher(trainingLoader(shapes(12), mixed, [worker()]), counting, { ahead });
    try {
      let taken = 0;
      for await (const _batch of loader.batches({ untilEpoch: 1 })) {
        taken += 1;
        const expected = Math.min(taken + lead, loader.batchesPerEpoch);
        await expect.poll(() => seen, { timeout: 10_000 }).toBe(expected);
        // Time for one too many.
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(seen).toBe(expected);
      }
      expect([taken, seen]).toEqual([loader.batchesPerEpoch, loader.batchesPerEpoch]);
    } finally {
      await loader.dispose();
    }
  });

  test.each([true, false])(
    "a teacher that fails is the failure of the batch it was asked about (ahead: %s)",
    async (ahead) => {
      const failing = tapped((run) => {
        if (run === 3) throw new SaccadeError("session", "the engine died");
      });
      const loader = withViewTeacher(trainingLoader(shapes(12), mixed, [worker()]), failing, { ahead });
      try {
        const taken: number[] = [];
        const all = async () => {
          for await (const batch of loader.batches()) taken.push(batch.index);
        };
        await expect(all()).rejects.toThrow("the engine died");
        expect(taken).toEqual([0, 1]);
      } finally {
        await loader.dispose();
      }
    },
  );
});

describe("a classifier fitted on views", () => {
  const dataset = shapes(20);
  const fitColours = async (options: Partial<Parameters<typeof fitOnViews>[0]> = {}) => {
    const session = await createSession(featuresOfViews(teacher), {});
    const loader = fittingLoader(dataset, mixed, [worker()]);
    try {
      return await fitOnViews({ session, dataset, loader, seed: 1, createSession, ...options });
    } finally {
      await loader.dispose();
      await session.dispose();
    }
  };

  test("is scored on pictures that it was not fitted to, and is the same for the same seed", async () => {
    const progress: [number, number][] = [];
    const first = await fitColours({ onProgress: (done, total) => progress.push([done, total]) });
    // Three passes of seven batches of eight.
    expect(progress.length).toBe(21);
    expect(progress.at(-1)).toEqual([168, 168]);
    expect(first.accuracy).toBeGreaterThan(0.5);
    expect(await fitColours()).toEqual(first);
  });

  test("keeps no more features than it may", async () => {
    const progress: [number, number][] = [];
    await fitColours({ maxFeatureBytes: 4 * 3 * 20, onProgress: (done, total) => progress.push([done, total]) });
    expect(progress).toEqual([
      [8, 20],
      [16, 20],
      [20, 20],
    ]);
  });

  test("stops when it is told to", async () => {
    await expect(fitColours({ signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  });
});

test("views for fitting are neither mixed nor the ones that training has", async () => {
  const loaders = [fittingLoader(shapes(12), mixed, [worker()]), trainingLoader(shapes(12), mixed, [worker()])];
  try {
    const [fitting, training] = await Promise.all(loaders.map((loader) => take(loader, 2)));
    for (const { targets } of fitting!)
      expect([...targets.data].every((value) => value === 0 || value === 1)).toBe(true);
    expect(fitting![0]!.items).not.toEqual(training![0]!.items);
  } finally {
    for (const loader of loaders) await loader.dispose();
  }
});

test.each([
  [
    "no features",
    lower(
      trace(({ graph }) => ({ logits: graph.input("x", [1]) })),
      {},
    ),
    /no output named features/,
  ],
  ["another size", rows(16), /takes \(batch, 3, 16, 16\), and would be given \(8, 3, 32, 32\)/],
  ["one batch size", colours(4), /takes \(4, 3, 32, 32\)/],
  [
    "two inputs",
    lower(
      trace(({ graph }) => ({
        features: gemm(graph.input("a", ["n", 2]), values(graph, [2, 2], [1, 0, 0, 1]), graph.input("b", [2])),
      })),
      {},
    ),
    /one input, and this model has 2/,
  ],
  ["no model", new TextEncoder().encode("not a model"), /ONNX/],
])("a teacher of views with %s is an error that says so", (_, bytes, message) => {
  const open = () => viewTeacher(bytes, "t.onnx", plan, mixed.batch);
  expect(open).toThrow(FormatError);
  expect(open).toThrow(message);
});

test("a teacher that averages over all places sees views of any size, whatever size it was exported with", async () => {
  const small = viewTeacher(colours("batch", 16), "t.onnx", plan, mixed.batch);
  const sessions = await Promise.all([small, teacher].map((each) => createSession(featuresOfViews(each), {})));
  const batch = tensor(
    "float32",
    [mixed.batch, 3, SIZE, SIZE],
    new Float32Array(mixed.batch * 3 * SIZE * SIZE).fill(0.4),
  );
  const [one, two] = await Promise.all(sessions.map((session) => session.run({ "student/view": batch })));
  expect(one!.features!.data).toEqual(two!.features!.data);
  await Promise.all(sessions.map((session) => session.dispose()));
});

test("a classifier is kept for a resumed run, with its teacher and for as many classes", async () => {
  const files = new MemoryFiles();
  await saveProbe(files, "/teacher.safetensors", PROBE, teacher.bytes);
  const load = (classes: number, bytes = teacher.bytes) =>
    loadProbe(files, "/teacher.safetensors", classes, { bytes, name: "t.onnx" });
  expect(await load(LABELS.length)).toEqual(PROBE);
  expect(await load(4)).toBeUndefined();
  await expect(load(LABELS.length, colours("n"))).rejects.toMatchObject({ code: "teacher_differs" });
  expect(await loadProbe(files, "/nothing.safetensors", 3, teacher)).toBeUndefined();
});
