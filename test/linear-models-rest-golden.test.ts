// The rest of goldens/linear-models: leaving one out, principal components, neighbours, calibration, scores for "none of these".
import { describe, expect, test } from "vitest";
import { plattOf, plattProbabilities, probabilities, temperatureOf } from "../src/learn/calibration.ts";
import { featureMatrix } from "../src/learn/feature-matrix.ts";
import { momentsOf } from "../src/learn/heads/class-moments.ts";
import { linearScores } from "../src/learn/heads/head.ts";
import { ldaHead } from "../src/learn/heads/lda.ts";
import { ridgeLeftOut } from "../src/learn/heads/ridge.ts";
import { decisions, fitHead } from "../src/learn/heads.ts";
import { nearest, votes } from "../src/learn/neighbours.ts";
import { fitPca, project } from "../src/learn/pca.ts";
import { prepareFeatures } from "../src/learn/prepared.ts";
import { doubts, energies, fitMahalanobis, mahalanobisDistances, neighbourDistances } from "../src/learn/unknown.ts";
import { allColumns, argmaxRows, linearCases, worstDifference } from "./linear-models.ts";

describe.each(linearCases().map((item) => [item.golden.config.classes, item] as const))("%s classes", (_, item) => {
  const { golden, classes, features, targets, test: rows, testTargets } = item;
  const stored = (name: string) => golden.outputs.get(name)!.data as Float32Array | Int32Array;
  const near = (actual: Float64Array, name: string, tolerance = 1e-5) =>
    expect(worstDifference(actual, stored(name)), name).toBeLessThan(tolerance);
  const fitted = fitHead("logistic", features, targets, classes, { C: 10, seed: 0 });
  const logits = async () => decisions(await fitted, rows);

  test("probabilities of the logistic head", async () => {
    near(probabilities(await logits(), classes), "logistic_C10.probability");
  });

  test("discriminants as they are, before what all classes share is taken off", async () => {
    const moments = momentsOf(await prepareFeatures(features), targets, classes);
    const head = ldaHead(moments, 0.1);
    const scores = linearScores(head, rows);
    const expected = allColumns(golden.outputs.get("lda_0.1.decision")!, classes);
    expect(worstDifference(scores, expected)).toBeLessThan(1e-4);
  });

  test("ridge regression that has not seen the row", async () => {
    const { ridge_loo } = golden.json as { ridge_loo: { mse: number; accuracy: number } };
    const prepared = await prepareFeatures(features);
    const moments = momentsOf(prepared, targets, classes);
    const [leftOut] = await ridgeLeftOut(prepared, moments, targets, [golden.config.ridge_alpha as number]);
    near(leftOut!, "ridge.loo_values");
    const columns = leftOut!.length / targets.length;
    const wrong = leftOut!.map((value, i) => {
      const which = classes - columns + (i % columns);
      return ((targets[Math.floor(i / columns)] === which ? 1 : -1) - value) ** 2;
    });
    expect(wrong.reduce((a, b) => a + b) / wrong.length).toBeCloseTo(ridge_loo.mse, 12);
  });

  test("principal components, whitened, and their signed roots", async () => {
    const { components } = (golden.json as { pca: { components: number } }).pca;
    const pca = await fitPca(features, components);
    near(pca.mean, "pca.mean");
    near(pca.components, "pca.components");
    near(pca.variance, "pca.explained_variance", 1e-4);
    near(pca.share, "pca.explained_variance_ratio");
    near(pca.singularValues, "pca.singular_values", 1e-4);
    near(new Float64Array(project(pca, rows, { whiten: true }).data), "pca.test_whitened");
    near(new Float64Array(project(pca, rows, { whiten: true, signedRoot: true }).data), "pca.test_signed_sqrt");
  });

  test.each(["cosine", "l2"] as const)("neighbours, %s", (metric) => {
    const name = `knn_${metric === "l2" ? "euclidean" : metric}`;
    const all = nearest(rows, features, 5, metric);
    expect([...all.indices]).toEqual([...stored(`${name}.indices`)]);
    near(all.distances, `${name}.distances`);
    for (const k of golden.config.knn_k as number[]) {
      const found = nearest(rows, features, k, metric);
      const uniform = argmaxRows(votes(found, targets, classes), classes);
      expect(uniform, `k ${k}`).toEqual([...stored(`${name}_k${k}_uniform.predictions`)]);
      if (!golden.outputs.has(`${name}_k${k}_distance.probability`)) continue;
      const weighted = votes(found, targets, classes, "distance");
      near(weighted, `${name}_k${k}_distance.probability`);
      expect(argmaxRows(weighted, classes)).toEqual([...stored(`${name}_k${k}_distance.predictions`)]);
    }
  });

  test("temperature", async () => {
    const expected = golden.json.temperature as { temperature: number; nll_before: number; nll_after: number };
    const { scale, before, after } = temperatureOf(await logits(), testTargets, classes, { smoothed: false });
    expect(1 / scale).toBeCloseTo(expected.temperature, 5);
    expect(before).toBeCloseTo(expected.nll_before, 6);
    expect(after).toBeCloseTo(expected.nll_after, 9);
  });

  test("Platt's sigmoid", async () => {
    const expected = golden.json.platt as { A: number; B: number };
    const scores = decisions(await fitHead("svm", features, targets, classes, { C: 1, seed: 0 }), rows);
    const ofOne = Float64Array.from(testTargets, (_, row) => scores[row * classes + 1]!);
    const platt = plattOf(
      ofOne,
      Uint8Array.from(testTargets, (target) => Number(target === 1)),
    );
    expect(platt.a).toBeCloseTo(expected.A, 5);
    expect(platt.b).toBeCloseTo(expected.B, 5);
    near(plattProbabilities(platt, ofOne), "platt.probability");
  });

  test("scores for none of these", async () => {
    near(energies(await logits(), classes), "unknown.energy");
    near(
      doubts(await logits(), classes).map((doubt) => 1 - doubt),
      "unknown.max_probability",
    );
    near(neighbourDistances(rows, features, 10), "unknown.distance_to_10th_neighbour");
    const within = mahalanobisDistances(fitMahalanobis(features, targets, classes, 0), rows);
    near(within.distances, "unknown.mahalanobis", 1e-4);
    expect([...within.nearest]).toEqual([...stored("unknown.mahalanobis_class")]);
    const whole = fitMahalanobis(features, new Int32Array(features.rows), 1, 0);
    const relative = mahalanobisDistances(whole, rows).distances.map((value, row) => within.distances[row]! - value);
    near(relative, "unknown.relative_mahalanobis", 1e-4);
  });

  test("float32 features give the same", async () => {
    const single = featureMatrix(features.rows, features.width, new Float32Array(features.data));
    const head = await fitHead("ridge", single, targets, classes, { alpha: 1, seed: 0 });
    const double = await fitHead("ridge", features, targets, classes, { alpha: 1, seed: 0 });
    expect(worstDifference(decisions(head, rows), decisions(double, rows))).toBeLessThan(1e-4);
  });
});
