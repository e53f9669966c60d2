// One sweep for every registered model: initialise, fit, write and read a model folder, export, reload, run, compare.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { loadModel, requireNative, writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { tensor } from "../src/tensor.ts";
import { hashedValues, maxDifference } from "./golden-case.ts";

export interface SweepOptions {
  /** Fields that change the registered configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly height: number;
  readonly width: number;
}

export async function sweep(name: string, { config, height, width }: SweepOptions): Promise<void> {
  const definition = defineModel(name, config);
  const { architecture } = definition;
  const input = architecture.input(definition.config);
  const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name });
  const folder = await mkdtemp(join(tmpdir(), "saccade-sweep-"));
  try {
    await writeModelFolder(nodeHost.files, folder, model);
    const reloaded = requireNative(await loadModel(nodeHost, folder));
    expect(reloaded.card.transform).toBe(model.card.transform);
    expect(reloaded.card.labels).toEqual(model.card.labels);

    const shape = input.kind === "video" ? [2, 3, 3, height, width] : [2, 3, height, width];
    const image = tensor(
      "float32",
      shape,
      hashedValues(
        "picture",
        shape.reduce((a, b) => a * b, 1),
        1.5,
        0,
        0,
      ),
    );
    const outputs = ["logits", "features"];
    const results = [];
    for (const [source, target] of [
      [model, "portable"],
      [reloaded, "onnxruntime"],
    ] as const) {
      await using session = await nodeHost.createSession(exportOnnx(source, { target, outputs }), { device: "cpu" });
      results.push(await session.run({ image }));
    }
    for (const output of outputs) {
      expect(
        results[0]![output]!.data.every((value) => Number.isFinite(value)),
        `${output} is finite`,
      ).toBe(true);
      expect(maxDifference(results[1]![output], results[0]![output]!), output).toBeLessThan(1e-4);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
