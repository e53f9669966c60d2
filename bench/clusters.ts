// What clustering tokens saves (Expedit): large pictures through transformers of pictures with all tokens and with clusters from a block on, and all of the map's tokens at the
// end, which dense tasks read. Weights are random: how long it takes does not depend on them.
//
//   npx tsx bench/clusters.ts [--rounds 3] [--runs 2] [--threads 1] [--only vit-b-640,sam-b-1024] [--busy] [--trace PREFIX] [--out bench/results/clusters.json]
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { countMacs } from "../src/graph/macs.ts";
import type { Graph } from "../src/graph/tensor.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { tensor } from "../src/tensor.ts";

interface Case {
  readonly model: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly side: number;
  /** The layer that holds all of the map. */
  readonly layer: string;
  readonly tokens: readonly string[];
}

const LARGE = { embed_dim: 1024, depth: 24, num_heads: 16 };

// The settings of the paper where it has some (Segmenter for ViT-L at 640 pixels, the SAM of its release).
const CASES: Readonly<Record<string, Case>> = {
  "vit-b-640": {
    model: "vit_base_patch16_224",
    side: 640,
    layer: "tokens",
    tokens: ["cluster=28x28@4:expedit+tau=0.02", "cluster=20x20@4:expedit+tau=0.02"],
  },
  "vit-b-1024": {
    model: "vit_base_patch16_224",
    side: 1024,
    layer: "tokens",
    tokens: ["cluster=45x45@4:expedit+tau=0.02"],
  },
  "vit-l-640": {
    model: "vit_base_patch16_224",
    config: LARGE,
    side: 640,
    layer: "tokens",
    tokens: ["cluster=28x28@10:expedit+tau=0.02"],
  },
  "sam-b-1024": {
    model: "sam_vit_b",
    side: 1024,
    layer: "neck",
    tokens: ["cluster=10x10@6:expedit+tau=0.005", "cluster=8x8@3:expedit+tau=0.005"],
  },
  "swin-b-768": {
    model: "swin_base_patch4_window12_384",
    side: 768,
    layer: "stage.3",
    tokens: ["cluster=8x8@14:expedit+k=25+iterations=3"],
  },
};

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    runs: { type: "string", default: "2" },
    threads: { type: "string", default: "1" },
    only: { type: "string" },
    trace: { type: "string" },
    /** Other work is running: only the processor's time means something. */
    busy: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const threads = Number(flags.threads);

function graphOf({ model, config, side, layer }: Case, tokens: string | undefined): Graph {
  const definition = defineModel(model, { ...config, img_size: side, ...(tokens === undefined ? {} : { tokens }) });
  const graph = inferenceGraph(definition, { batch: 1 }, { layers: [layer] });
  for (const name of [...graph.outputs.keys()]) if (name !== layer) graph.outputs.delete(name);
  return graph;
}

function picture(side: number) {
  const random = new RandomSource(1, "noise");
  return tensor(
    "float32",
    [1, 3, side, side],
    Float32Array.from({ length: 3 * side * side }, () => random.normal()),
  );
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

interface Version {
  readonly tokens: string;
  readonly gmacs: number;
  readonly bytes: Uint8Array;
  readonly ms: number[];
  readonly cpuMs: number[];
}

/** All versions of a case, in turns. Each is opened anew for its turn: attention between all of 4096 patches takes gigabytes. */
async function measure(name: string, entry: Case) {
  const parameters = initialWeights(graphOf(entry, undefined), 1);
  const versions = [undefined, ...entry.tokens].map((tokens): Version => {
    const graph = graphOf(entry, tokens);
    const bytes = lower(graph, { parameters, target: "onnxruntime" });
    return { tokens: tokens ?? "none", gmacs: countMacs(graph, new Map()).total / 1e9, bytes, ms: [], cpuMs: [] };
  });
  const image = picture(entry.side);
  for (let round = 0; round < Number(flags.rounds); round++)
    for (const [i, { bytes, ms, cpuMs }] of versions.entries()) {
      const trace = flags.trace === undefined ? {} : { tracePrefix: `${flags.trace}-${name}-${i}` };
      await using session = await nodeHost.createSession(bytes, { device: "cpu", threads, ...trace });
      await session.run({ image }); // allocates
      for (let run = 0; run < Number(flags.runs); run++) {
        const start = performance.now();
        const used = process.cpuUsage();
        await session.run({ image });
        const { user, system } = process.cpuUsage(used);
        ms.push(performance.now() - start);
        cpuMs.push((user + system) / 1000);
      }
    }
  const dense = versions[0]!;
  return versions.map(({ tokens, gmacs, ms, cpuMs }) => ({
    tokens,
    gmacs: Number(gmacs.toFixed(1)),
    ...(flags.busy ? {} : { ms: Math.round(median(ms)), times: Number((median(dense.ms) / median(ms)).toFixed(2)) }),
    cpuMs: Math.round(median(cpuMs)),
    cpuTimes: Number((median(dense.cpuMs) / median(cpuMs)).toFixed(2)),
    fewerMacs: Number((dense.gmacs / gmacs).toFixed(2)),
  }));
}

const names = flags.only?.split(",") ?? Object.keys(CASES);
const results: Record<string, unknown> = {};
for (const name of names) {
  const entry = CASES[name];
  if (entry === undefined) throw new RangeError(`no case ${name}; there are ${Object.keys(CASES).join(", ")}`);
  results[name] = { model: entry.model, side: entry.side, layer: entry.layer, versions: await measure(name, entry) };
  console.log(name, JSON.stringify(results[name], undefined, 1));
}
if (flags.out !== undefined) {
  const machine = { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length };
  const facts = {
    machine,
    threads,
    rounds: Number(flags.rounds),
    runs: Number(flags.runs),
    runtime: "onnxruntime-node",
  };
  writeFileSync(flags.out, `${JSON.stringify({ ...facts, cases: results }, undefined, 2)}\n`);
}
