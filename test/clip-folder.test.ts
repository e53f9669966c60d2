// A folder of transformers with a whole CLIP: read for its text tower, and naming by text is as transformers' own.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { reshape } from "../src/graph/build.ts";
import { trace } from "../src/graph/scope.ts";
import { loadModel, requireNative } from "../src/model-folder/load.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { loadZeroShot } from "../src/tasks/zero-shot/zero-shot-classifier.ts";
import { printVocabulary } from "../src/text/vocabulary-files.ts";
import { temporaryFolder } from "./cli/mini-model.ts";
import { toyVocabulary } from "./text-toys.ts";

const GOLDEN = resolve(import.meta.dirname, "goldens/clip-folder");
const place = join(temporaryFolder(), "clip");
cpSync(GOLDEN, place, { recursive: true });
const { vocab, merges } = printVocabulary(toyVocabulary().vocabulary);
writeFileSync(join(place, "vocab.json"), vocab);
writeFileSync(join(place, "merges.txt"), merges);

const answers = JSON.parse(readFileSync(join(GOLDEN, "answers.json"), "utf8")) as {
  readonly labels: readonly string[];
  readonly pixels: readonly (readonly number[])[];
  readonly probabilities: readonly (readonly number[])[];
};

test("the picture tower is left out, the text tower has its names and its configuration", async () => {
  const { definition, weights, card } = requireNative(await loadModel(nodeHost, place));
  expect(definition.architecture.name).toBe("clip_text");
  expect(definition.config).toMatchObject({ embed_dim: 12, context_length: 24, vocab_size: 574, transformer_heads: 4 });
  expect([...weights.keys()].filter((name) => /vision|visual/.test(name))).toEqual([]);
  expect(card.vocabulary?.size).toBe(574);
});

test("probabilities are transformers'", async () => {
  // A model of pictures whose embedding is their pixels.
  const graph = trace(({ graph }) => ({
    embedding: reshape(graph.input("image", ["batch", 3, 2, 2]), ["batch", 12]),
  }));
  const metadata = { "saccade.transform": "normalize(mean=0.5,std=0.5)", "saccade.answers": "embedding" };
  await using classifier = await loadZeroShot(
    nodeHost,
    await loadModel(nodeHost, await write(lower(graph, { metadata }))),
    {
      device: "cpu",
      textModel: place,
      cache: false,
    },
  );
  const pictures = answers.pixels.map((pixels) => ({ width: 2, height: 2, data: Uint8Array.from(pixels) }));
  const results = await classifier.classify(pictures, answers.labels, { templates: ["{}"] });
  for (const [i, { predictions }] of results.entries())
    for (const { index, score } of predictions) expect(score).toBeCloseTo(answers.probabilities[i]![index]!, 4);
});

async function write(bytes: Uint8Array): Promise<string> {
  const path = join(place, "..", "pixels.onnx");
  writeFileSync(path, bytes);
  return path;
}
