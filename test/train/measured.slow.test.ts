// Runs that are measured by how well places are found: which epoch is kept, what is logged, and that stopping within a measurement changes nothing.
import { expect, test } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import type { FitOptions } from "../../src/train/fit-options.ts";
import type { PlaceScore } from "../../src/train/measured-choice.ts";
import { MemoryFiles } from "../../src/train/run/memory-files.test-helper.ts";
import { FOLDER, fitShapes, metricLines, outcome } from "./fit.ts";
import { tinyRecipe } from "./shapes.ts";

const recipe = tinyRecipe({ epochs: 4 });

const scoreOf = (value: number | undefined): PlaceScore => ({
  measure: "AP",
  value,
  numbers: { ap: value, ap50: 0.5 },
  pictures: 12,
});

/** Answers these, one a measurement. */
function measuring(values: readonly (number | undefined)[], every = 1): NonNullable<FitOptions["measure"]> {
  const left = [...values];
  return { every, score: async () => scoreOf(left.shift()) };
}

const evaluations = async (files: MemoryFiles) =>
  metricLines(new TextDecoder().decode(await files.read(`${FOLDER}/metrics.jsonl`)))
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind === "eval")
    .map(({ epoch, ap }) => [epoch, ap]);

test("the epoch that measures best is kept, of equal ones the later; a run that is stopped within a measurement goes on to the same", async () => {
  const files = new MemoryFiles();
  const seen: (number | undefined)[] = [];
  const { measured, choice } = await fitShapes({
    recipe,
    files,
    validates: false,
    measure: measuring([0.2, 0.5, 0.5, 0.3]),
    onEpoch: (_epoch, _report, _evaluation, places) => seen.push(places?.value),
  });
  expect([choice, seen]).toEqual([undefined, [0.2, 0.5, 0.5, 0.3]]);
  expect(measured).toMatchObject({ best: { epoch: 2, value: 0.5, pictures: 12 }, last: { epoch: 3, value: 0.3 } });
  expect(await evaluations(files)).toEqual([
    [0, 0.2],
    [1, 0.5],
    [2, 0.5],
    [3, 0.3],
  ]);
  const whole = await outcome(files);
  expect(whole.best).not.toBe(whole.last);

  const broken = new MemoryFiles();
  const values = [0.2, 0.5, 0.5, 0.3];
  const stopped = fitShapes({
    recipe,
    files: broken,
    validates: false,
    measure: {
      every: 1,
      async score() {
        if (values.length === 2) throw new AbortedError("measuring"); // of the third epoch
        return scoreOf(values.shift());
      },
    },
  });
  await expect(stopped).rejects.toThrow(AbortedError);
  await fitShapes({ recipe, files: broken, validates: false, resume: true, measure: measuring([0.5, 0.3]) });
  expect(await outcome(broken)).toEqual(whole);
});

test("every second epoch, and always the last; what says nothing changes nothing", async () => {
  const files = new MemoryFiles();
  const { measured } = await fitShapes({
    recipe: tinyRecipe({ epochs: 3 }),
    files,
    validates: false,
    measure: measuring([0.4, undefined], 2),
  });
  expect(measured).toMatchObject({ best: { epoch: 1, value: 0.4 }, last: { epoch: 1 } });
  expect((await evaluations(files)).map(([epoch]) => epoch)).toEqual([1, 2]);
  const { best, last } = await outcome(files);
  expect(best).not.toBe(last);
});
