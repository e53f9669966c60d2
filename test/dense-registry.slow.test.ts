// Every architecture that answers about places through its task, as a toy with random weights: boxes on the picture, masks of its size, numbers that are numbers.
import { describe, expect, test } from "vitest";
import { maskArea } from "../src/boxes/masks.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { loadDetector } from "../src/tasks/detect/detector.ts";
import { loadSegmenter } from "../src/tasks/segment/segmenter.ts";
import { BOATS } from "./cli/mini-model.ts";
import { toyOf } from "./registry-toys.ts";

const LOAD = { device: "cpu", threads: 1 } as const;

/** One registered name an architecture. */
function dense(kinds: readonly string[]): string[] {
  const byArchitecture = new Map<string, string>();
  for (const name of registry.keys()) {
    const { architecture, config } = defineModel(name);
    if (kinds.includes(architecture.answers(config)) && !byArchitecture.has(architecture.name))
      byArchitecture.set(architecture.name, name);
  }
  return [...byArchitecture.values()];
}

function toy(name: string) {
  const definition = defineModel(name, toyOf(name).config);
  return nativeModel(definition, initialWeights(inferenceGraph(definition), 1), { name });
}

describe("detectors", () => {
  test.each(dense(["detections"]))("%s", async (name) => {
    await using detector = await loadDetector(nodeHost, toy(name), LOAD);
    const { detections, picture, seen } = await detector.detect(BOATS, { threshold: 0 });
    expect(seen).toBeCloseTo(1, 6);
    for (const { score, box } of detections) {
      expect(score).toBeGreaterThanOrEqual(0);
      const [x0, y0, x1, y1] = box;
      expect(x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= picture.width && y1 <= picture.height).toBe(true);
    }
  });
});

describe("segmenters", () => {
  test.each(dense(["semantic", "queries"]))("%s", async (name) => {
    await using segmenter = await loadSegmenter(nodeHost, toy(name), LOAD);
    for (const kind of segmenter.kinds) {
      const { segments, picture, map } = await segmenter.segment(BOATS, {
        kind,
        threshold: kind === "semantic" ? 0 : 0.01,
      });
      for (const { mask, share } of segments) {
        expect([mask.width, mask.height]).toEqual([picture.width, picture.height]);
        expect(share).toBeCloseTo(maskArea(mask) / (picture.width * picture.height), 9);
      }
      if (kind === "semantic") {
        expect(segments.length).toBeGreaterThan(0);
        expect(map!.ids.every((id) => id > 0)).toBe(true);
      }
    }
  });
});
