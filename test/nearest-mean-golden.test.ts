// Nearest means over tasks that come one by one, exactly as goldens/nearest-mean has them.
import { expect, test } from "vitest";
import { averageIncrementalAccuracy, ClassStatistics } from "../src/learn/class-statistics.ts";
import { accuracyOf, predictions } from "../src/learn/cross-validation.ts";
import { featureMatrix, selectRows, unitRows } from "../src/learn/feature-matrix.ts";
import { linearScores } from "../src/learn/heads/head.ts";
import { toFloat64 } from "../src/tensor.ts";
import { goldenCases, loadGolden } from "./golden-case.ts";
import { worstDifference } from "./linear-models.ts";

test.each(goldenCases("nearest-mean"))("%s", (name) => {
  const golden = loadGolden(name)!;
  const config = golden.config as {
    feature_dim: number;
    classes: number;
    tasks: number;
    per_class: number;
    tests: number;
    class_order: number[];
  };
  const { feature_dim: width, classes, per_class: each } = config;
  const values = (tensorName: string) => toFloat64(golden.weights.get(tensorName)!);
  const [centres, trainNoise, testNoise] = [values("centres"), values("train_noise"), values("test_noise")];
  const centre = (which: number, i: number) => centres[which * width + i]!;
  const train = unitRows(
    featureMatrix(
      classes * each,
      width,
      trainNoise.map((noise, at) => centre(Math.floor(at / width / each), at % width) + noise),
    ),
  );
  const tests = unitRows(
    featureMatrix(
      config.tests,
      width,
      testNoise.map((noise, at) => centre(Math.floor(at / width) % classes, at % width) + noise),
    ),
  );
  const label = (which: number) => String(which).padStart(3, "0");
  const statistics = new ClassStatistics(width);
  const stored = golden.outputs.get("predictions")!.data as Int32Array;
  const expectedAccuracy = golden.json.accuracy_after_task as number[];
  const accuracies = expectedAccuracy.map((expected, task) => {
    const perTask = classes / config.tasks;
    for (const which of config.class_order.slice(task * perTask, (task + 1) * perTask))
      statistics.add(
        label(which),
        selectRows(
          train,
          Array.from({ length: each }, (_, i) => which * each + i),
        ),
      );
    const { labels, head } = statistics.nearestMean();
    const seen = [...tests.data.keys()].slice(0, config.tests).filter((row) => labels.includes(label(row % classes)));
    const scores = linearScores(head, selectRows(tests, seen));
    const answers = predictions(scores, labels.length);
    const all = new Int32Array(config.tests).fill(-1);
    seen.forEach((row, i) => {
      all[row] = Number(labels[answers[i]!]);
    });
    expect([...all], `task ${task}`).toEqual([...stored.subarray(task * config.tests, (task + 1) * config.tests)]);
    const targets = Int32Array.from(seen, (row) => labels.indexOf(label(row % classes)));
    const accuracy = accuracyOf(scores, targets, labels.length);
    expect(accuracy).toBeCloseTo(expected, 12);
    return accuracy;
  });
  expect(averageIncrementalAccuracy(accuracies)).toBeCloseTo(golden.json.average_incremental_accuracy as number, 12);
  expect(worstDifference(statistics.means(), toFloat64(golden.outputs.get("class_means")!))).toBeLessThan(1e-6);
});
