import { expect, test } from "vitest";
import { AccuracyMeter } from "./accuracy.ts";
import { toBase64 } from "./base64.ts";
import type { Evaluation } from "./evaluate.ts";
import { matchLabels } from "./label-match.ts";
import { ticks } from "./report/axes.ts";
import { html } from "./report/html.ts";
import { assertWellFormed } from "./report/well-formed.test-helper.ts";
import { renderReport } from "./report.ts";

/** Picture i has label i and is taken for its neighbour, surely. */
function evaluationOf(labels: readonly string[], modelLabels = labels): Evaluation {
  const targets = Int32Array.from(labels.keys());
  const match = matchLabels({ labels, targets }, modelLabels);
  const meter = new AccuracyMeter(match, modelLabels);
  for (const index of labels.keys()) {
    const logits = new Float32Array(modelLabels.length);
    logits[(index + 1) % modelLabels.length] = 3;
    meter.add({ index, name: `${labels[index]}/"${index}".jpg`, label: index, scores: logits, kind: "logits" });
  }
  return {
    accuracy: meter.result(),
    gaze: undefined,
    steps: undefined,
    problems: [{ name: "<torn>.jpg", reason: "it's cut & broken\u0000" }],
    unknownLabels: match.unknown,
    labelNotes: match.notes,
    seconds: 1,
  };
}

/** What a calculation gone wrong would leave in a page. */
const badNumber = (page: string) => /.{20}(?<!is)(NaN|Infinity|undefined)/.exec(page)?.[0];

const HOSTILE = ["</script><script>alert(1)</script>", "a & b", '"quoted"', "it's", "<img src=x onerror=1>", "]]>"];

test("hostile names are text", () => {
  const evaluation = evaluationOf(HOSTILE);
  const mistakes = evaluation.accuracy.mistakes.map((mistake) => ({
    ...mistake,
    thumbnail: "data:image/png;base64,AA==",
    gaze: undefined,
  }));
  const provenance = { "<b>": "</dd>", seed: 3 };
  const card = { name: "<model>", labels: HOSTILE, licence: "A & B", transform: "resize(64)", provenance };
  const page = renderReport({ evaluation, card, data: "a<b>c", split: "test", mistakes, footer: "<i>" });
  assertWellFormed(page);
  expect(page.match(/<script>/g)).toHaveLength(1);
  expect(page).not.toContain("<img src=x");
  expect(page).not.toContain("\u0000");
});

test.each([1, 2, 16, 17, 49, 121, 1000])("%i classes", (count) => {
  const labels = Array.from({ length: count }, (_, i) => `class number ${i}`);
  const page = renderReport({ evaluation: evaluationOf(labels), card: { name: "model" }, data: "data", split: "test" });
  assertWellFormed(page);
  expect(badNumber(page)).toBeUndefined();
  expect(page.includes('class="matrix"')).toBe(count <= 120);
});

test("labels that the model does not know are said", () => {
  const evaluation = evaluationOf(["cat", "yak"], ["cat", "dog"]);
  const page = renderReport({ evaluation, card: { name: "model" }, data: "data", split: "test" });
  assertWellFormed(page);
  expect(page).toContain("does not know the label yak");
});

test("curves with gaps, of one point, and of many", () => {
  const evaluation = evaluationOf(["cat", "dog"]);
  const train = Array.from({ length: 5000 }, (_, i) => ({
    kind: "train" as const,
    step: i + 1,
    epoch: 0,
    loss: i % 100 === 7 ? null : 4 / (i + 1),
    learning_rate: 1e-5 * i,
  }));
  const metrics = [...train, { kind: "eval" as const, step: 5000, epoch: 0, loss: 0.5, top1: 0.9, top5: 1 }];
  const page = renderReport({ evaluation, card: { name: "m" }, data: "d", split: "test", metrics });
  assertWellFormed(page);
  expect(badNumber(page)).toBeUndefined();
  expect(page).toContain("Learning rate");
  expect(page.length).toBeLessThan(60_000);
  expect(page).toContain("Right answers");
  expect(page).not.toContain("top-5"); // of two classes
});

test("curves of more than five classes have the first five too", () => {
  const evaluation = evaluationOf(["a", "b", "c", "d", "e", "f"]);
  const metrics = [1, 2].map((step) => ({ kind: "eval" as const, step, epoch: 0, top1: 0.5, top5: 0.9 }));
  const page = renderReport({ evaluation, card: { name: "m" }, data: "d", split: "test", metrics });
  expect(page).toContain("validation top-5");
});

test("values in templates are escaped once, markup is not", () => {
  const inner = html`<b title="${'"<'}">${"&"}</b>`;
  expect(html`<i>${[inner, 1, false, undefined]}</i>`.text).toBe('<i><b title="&quot;&lt;">&amp;</b>1</i>');
});

test("base64 agrees with Node's", () => {
  for (let length = 0; length < 50; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length * 31) & 255);
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
  }
});

test("ticks are round and within", () => {
  expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
  expect(ticks(1, 7032, 4)).toEqual([2000, 4000, 6000]);
  expect(ticks(3, 3, 4)).toEqual([3]);
});
