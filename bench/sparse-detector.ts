// What a picture costs two small detectors as it grows: the sparse detector, whose tokens look at some places, and Plain DETR, which looks at all. Both as their recipes
// have them, with weights that nobody trained, pictures as the bytes that tasks give; products are counted, and the processor's time is measured, which other programs disturb less than the
// clock. How well both find things is for `saccade eval` to say.
//
//   npx tsx bench/sparse-detector.ts [--sizes 128,512,1024,2048] [--rounds 3] [--out bench/results/dense/sparse-detector.json]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { countMacs } from "../src/graph/macs.ts";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { type PixelForm, pixelFeed, pixelForm } from "../src/model-folder/picture-form.ts";
import { inferenceGraph, initialWeights, parameterCount } from "../src/models/graph.ts";
import { defineModel, type ModelDefinition } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import { RandomSource } from "../src/random.ts";
import { plainDetrRecipe } from "../src/recipes/plain-detr.ts";
import { sparseDetectorRecipe } from "../src/recipes/sparse-detector.ts";
import { type TensorData, tensor, toFloat32 } from "../src/tensor.ts";
import type { RecipeInput } from "../src/train/recipe-fields.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "128,512,1024,2048" },
    rounds: { type: "string", default: "3" },
    out: { type: "string" },
  },
});

const SCORES = ["logits", "boxes"] as const;

function modelAt({ architecture, config }: RecipeInput, size: number): ModelDefinition {
  return defineModel(architecture, { ...config, num_classes: 4, img_size: size });
}

const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

const formAt = (definition: ModelDefinition, size: number): PixelForm =>
  pixelForm(definition, { height: size, width: size }, NORMALIZATION);

/** With pixels in blocks, a graph's width counts blocks. */
const sizesOf = ({ pixelBlock }: PixelForm, size: number) => ({ height: size, width: size / pixelBlock });

/** Billions of products for one picture. */
function gigamacs(definition: ModelDefinition, size: number): number {
  const form = formAt(definition, size);
  const graph = inferenceGraph(definition, { batch: 1, ...sizesOf(form, size) }, form);
  const answers = SCORES.map((name) => graph.outputs.get(name)!);
  return countMacs(graph, new Map(), answers).total / 1e9;
}

/** Some layers begin at zero, and then every look is at the same points. */
function spreadWeights(definition: ModelDefinition): Map<string, TensorData> {
  return new Map(
    [...initialWeights(inferenceGraph(definition), 0)].map(([name, value]) => {
      const random = new RandomSource(1, name);
      const data = toFloat32(value).map((number) => number + 0.02 * random.normal());
      return [name, tensor("float32", value.shape, data)];
    }),
  );
}

/** Milliseconds of processor for one picture: the least of some rounds, after one that is not counted. */
async function processorMs(definition: ModelDefinition, size: number, rounds: number): Promise<number> {
  const model = nativeModel(definition, spreadWeights(definition), { name: "bench" });
  const form = formAt(definition, size);
  const sizes = sizesOf(form, size);
  const bytes = exportOnnx(model, { target: "onnxruntime", size: sizes, outputs: [...SCORES], form });
  await using session = await nodeHost.createSession(bytes, { device: "cpu", threads: 1 });
  const pixels = Uint8Array.from({ length: 3 * size * size }, (_, i) => (i * 7919) % 251);
  const image = pixelFeed(tensor("uint8", [1, size, size, 3], pixels), form);
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage();
    await session.run({ [session.inputs[0]!.name]: image }, { outputs: [...SCORES] });
    const { user, system } = process.cpuUsage(before);
    if (round > 0) times.push((user + system) / 1000);
  }
  return Math.min(...times);
}

const results = [];
for (const recipe of [sparseDetectorRecipe, plainDetrRecipe])
  for (const size of flags.sizes.split(",").map(Number)) {
    const definition = modelAt(recipe, size);
    const row = {
      model: recipe.name,
      size,
      parameters: parameterCount(inferenceGraph(definition)),
      gigamacs: Number(gigamacs(definition, size).toFixed(3)),
      processor_ms: Number((await processorMs(definition, size, Number(flags.rounds))).toFixed(1)),
    };
    results.push(row);
    console.log(JSON.stringify(row));
  }
if (flags.out !== undefined)
  writeFileSync(flags.out, `${JSON.stringify({ machine: describeMachine(), threads: 1, results }, undefined, 2)}\n`);
