import { expect, test } from "vitest";
import { AccuracyMeter } from "./accuracy.ts";
import { evaluationToJson } from "./evaluation-json.ts";
import { matchLabels } from "./label-match.ts";

/** Two pictures of each class asked for: one taken for what it is, one for class 0. */
function confusionOf(classes: number, asked: readonly number[]) {
  const labels = Array.from({ length: classes }, (_, i) => `class ${i}`);
  const meter = new AccuracyMeter(matchLabels({ labels, targets: Int32Array.from(labels.keys()) }, labels), labels);
  for (const [index, label] of asked.entries())
    for (const answer of [label, 0]) {
      const logits = new Float32Array(classes);
      logits[answer] = 1;
      meter.add({ index, name: "x.jpg", label, scores: logits, kind: "logits" });
    }
  const evaluation = { gaze: undefined, steps: undefined, problems: [], unknownLabels: [], labelNotes: [], seconds: 1 };
  return evaluationToJson({ ...evaluation, accuracy: meter.result() }).confusion;
}

test("what is taken for what: a matrix, or its cells where classes are very many", () => {
  expect(confusionOf(3, [0, 2])).toMatchObject({
    counts: [
      [2, 0, 0],
      [0, 0, 0],
      [1, 0, 1],
    ],
    other: [0, 0, 0],
  });
  const { counts, cells, labels } = confusionOf(2001, [7, 2000]);
  expect([counts, labels.length]).toEqual([null, 2001]);
  expect(cells?.toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)).toEqual([
    [7, 0, 1],
    [7, 7, 1],
    [2000, 0, 1],
    [2000, 2000, 1],
  ]);
});
