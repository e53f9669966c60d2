// The scattering transform: the official code's numbers (all of them on each engine: in the slow suite), how many coefficients there are, and that it needs no weights.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { loadModel, requireNative } from "../src/model-folder/load.ts";
import { modelCost } from "../src/models/cost.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { goldenCases } from "./golden-case.ts";
import { expectFilters, expectScatteringParity } from "./scattering-parity.ts";

test.each(goldenCases("scattering"))("%s: the filters", expectFilters);

test.each(goldenCases("scattering").filter((name) => /30x37|prepad/.test(name)))("%s: native", (name) =>
  expectScatteringParity(name, "cpu", 1e-5),
);

test.each([
  [{ J: 2, shape: [28, 28] }, [81, 7, 7]],
  [{ J: 2, shape: [32, 32] }, [81, 8, 8]],
  [{ J: 3, shape: [32, 32] }, [217, 4, 4]],
  [{ J: 4, shape: [32, 32] }, [417, 2, 2]],
  [{ J: 2, L: 6, max_order: 1, shape: [31, 45] }, [13, 7, 11]],
])("%o has %o coefficients", (config, size) => {
  const graph = inferenceGraph(defineModel("scattering", { ...config, in_channels: 1 }), {}, { layers: ["Sx"] });
  expect(graph.outputs.get("Sx")!.shape).toEqual(["batch", ...size]);
});

test("its work is counted, and it has nothing that learns", () => {
  const cost = modelCost(defineModel("scattering_32"), { height: 32, width: 32 });
  expect(cost.parameters).toBe(0);
  expect(cost.macs / 1e6).toBeCloseTo(59.6, 1);
});

test("it is there without a file, in any size, and embeds", async () => {
  const loaded = requireNative(await loadModel(nodeHost, "scattering_digits", { config: { J: 2, shape: [12, 16] } }));
  expect(loaded.weights.get("tensor0")!.shape).toEqual([20, 24, 1]);
  const picture = { width: 16, height: 12, data: Uint8Array.from({ length: 3 * 16 * 12 }, (_, i) => (i * 37) % 251) };
  await using embedder = await loadEmbedder(nodeHost, loaded, { device: "cpu", threads: 1 });
  const [vector] = await embedder.embed([picture]);
  expect(vector).toHaveLength(81 * 3 * 4);
  // With a head there is something to learn, and nothing that has learned it.
  const untrained = loadModel(nodeHost, "scattering_digits", { config: { num_classes: 10 } });
  await expect(untrained).rejects.toThrow("weights not found: scattering_digits");
});

test.each([
  [{ J: 5, shape: [24, 32] }, "must be at least 2^J pixels"],
  [{ J: 3, L: 32, shape: [1024, 1024] }, "too many coefficients"],
  [{ max_order: 3 }, "max_order"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("scattering", config)).toThrow(UsageError);
  expect(() => defineModel("scattering", config)).toThrow(message);
});
