// A transformer at full size through the command line, against timm's numbers.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../src/weights/safetensors.ts";
import { cli } from "./cli/fake-terminal.ts";
import { loadGolden, maxDifference, toleranceOf } from "./golden-case.ts";

test("a model folder that says no more than a registered name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "saccade-named-"));
  try {
    const golden = loadGolden("timm/deit_small_patch16_224")!;
    await writeFile(
      join(folder, "config.json"),
      JSON.stringify({ architecture: "deit_small_patch16_224", config: {} }),
    );
    await writeFile(join(folder, "model.safetensors"), writeSafetensors(golden.weights));
    await writeFile(join(folder, "in.safetensors"), writeSafetensors([["image", golden.image]]));
    const [input, output] = [join(folder, "in.safetensors"), join(folder, "out.safetensors")];
    expect((await cli(["run", folder, "--input", input, "--output", output])).exitCode).toBe(0);
    const { tensors } = readSafetensors(await readFile(output));
    expect([...tensors.keys()].sort()).toEqual(["features", "logits"]);
    for (const [name, expected] of golden.outputs)
      expect(maxDifference(tensors.get(name), expected), name).toBeLessThan(toleranceOf(golden, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
