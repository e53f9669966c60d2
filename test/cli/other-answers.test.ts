// A model that does not say what a picture shows is refused by classify in words, with the command that asks it.
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { toyOf } from "../registry-toys.ts";
import { cli } from "./fake-terminal.ts";
import { PASTORAL, temporaryFolder } from "./mini-model.ts";

const folder = temporaryFolder();

test.each([
  ["retinanet_r50_fpn", "says where things are, not what a picture shows", "saccade detect asks it (Detector.load)"],
  [
    "mask2former_swin_tiny_coco_panoptic",
    "says which pixels are of which thing, not what a picture shows",
    "saccade segment asks it (Segmenter.load)",
  ],
])("%s", async (name, what, instead) => {
  const definition = defineModel(name, toyOf(name).config);
  const place = join(folder, name);
  await writeModelFolder(
    nodeHost.files,
    place,
    nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name }),
  );
  const { exitCode, notes } = await cli(["classify", PASTORAL, "--model", place]);
  expect(exitCode).toBe(2);
  expect(notes.join("\n")).toContain(what);
  expect(notes.join("\n")).toContain(instead);
});
