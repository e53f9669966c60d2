// Learning from features that are known: fitted anywhere, without a model; what is doubted comes for nothing.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  doubtfulExamples,
  Embedder,
  fitExamples,
  type LearntExample,
  Recogniser,
  type RecogniserFit,
} from "../src/node.ts";
import { RandomSource } from "../src/random.ts";

const LABELS = ["ant", "bee", "cat"];
const WIDTH = 192;

/** Features about a direction a class; some are labelled as the next class. */
function examples(perClass: number, flipped: ReadonlySet<number> = new Set()): LearntExample[] {
  const random = new RandomSource(3);
  return Array.from({ length: perClass * LABELS.length }, (_, i) => {
    const own = i % LABELS.length;
    const vector = Float32Array.from({ length: WIDTH }, (_, at) => (at % 3 === own ? 1 : 0) + 0.8 * random.normal());
    const label = LABELS[(flipped.has(i) ? own + 1 : own) % LABELS.length]!;
    return { label, vector, path: `${i}.jpg`, size: 1, hash: i.toString(16).padStart(64, "0") };
  });
}

async function spaceOfBundled() {
  await using embedder = await Embedder.load("saccade/everyday", { normalize: false, device: "cpu", threads: 1 });
  return embedder.space;
}

test("a fit that was sent from elsewhere answers, and is saved, as one that was made here", async () => {
  const space = await spaceOfBundled();
  expect(space.width).toBe(WIDTH);
  const known = examples(12);
  const options = { unknown: 0.05, device: "cpu", threads: 1 } as const;
  const fit: RecogniserFit = structuredClone(await fitExamples(space, known, { unknown: 0.05 }));
  await using one = await Recogniser.fromExamples("saccade/everyday", known, { ...options, fit });
  await using other = await Recogniser.fromExamples("saccade/everyday", known.toReversed(), options);
  const vectors = examples(13)
    .slice(-3)
    .map(({ vector }) => vector);
  expect(await one.answer(vectors)).toEqual(await other.answer(vectors));
  expect((await one.answer(vectors)).map(({ predictions }) => predictions[0]!.label)).toEqual(LABELS);
  const folder = await mkdtemp(join(tmpdir(), "saccade-examples-"));
  await one.save(join(folder, "model"));
  await using opened = await Recogniser.load(join(folder, "model"), { device: "cpu", threads: 1 });
  expect(opened.labels).toEqual(LABELS);
  expect(await opened.answer(vectors)).toEqual(await one.answer(vectors));
  await rm(folder, { recursive: true });
  await expect(Recogniser.fromExamples("saccade/everyday", known.slice(3), { ...options, fit })).rejects.toThrow(
    "was not fitted to these 33 examples",
  );
  await expect(Recogniser.fromExamples("saccade/everyday", known.slice(0, 2), options)).rejects.toThrow(
    'the class "ant" has one picture',
  );
});

test("examples that contradict their label are named first, with the class that they look like", async () => {
  const space = await spaceOfBundled();
  const flipped = new Set([4, 20, 33]);
  const known = examples(20, flipped);
  const twice = { ...known[7]!, label: "cat", path: "copy.jpg" };
  const all = [...known, twice];
  const { doubts, estimated, contradictions } = doubtfulExamples(space, all, await fitExamples(space, all));
  const named = doubts.map(({ example, suggested }) => [example.path, suggested]);
  for (const i of flipped) expect(named.slice(0, 5)).toContainEqual([`${i}.jpg`, LABELS[i % 3]]);
  expect(estimated).toBeGreaterThanOrEqual(2);
  expect(contradictions.map((group) => group.map(({ path }) => path).sort())).toEqual([["7.jpg", "copy.jpg"]]);
});
