// Fewer tokens from the command line: the dial of every command, what is drawn, what is refused before anything is loaded.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { loadModel, requireNative } from "../../src/model-folder/load.ts";
import { registry } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, temporaryFolder, writeMini, writeVit } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

const vit = await writeVit(at("vit"));
const EVIT = "keep=0.5@1:evit";

test("classify --tokens --explain: what became of the patches, as a picture and as JSON", async () => {
  const out = at("tokens.svg");
  const { exitCode, stdout } = await cli([
    "classify",
    BOATS,
    "--model",
    vit,
    "--tokens",
    EVIT,
    "--explain",
    out,
    "--json",
  ]);
  expect(exitCode).toBe(0);
  const { predictions, tokens, explained } = JSON.parse(stdout);
  expect(predictions).toHaveLength(5);
  expect(explained).toBe(out);
  expect(tokens.grid).toEqual({ height: 4, width: 4 });
  const [{ stages }] = tokens.views;
  expect(stages).toMatchObject([{ name: "block 1", tokens: 9 }]);
  expect(new Set(stages[0].token_of_patch).size).toBe(9); // eight stay, the others are one
  expect(readFileSync(out, "utf8")).toContain("9 tokens, 1 shared by 8");
  const plain = await cli(["classify", BOATS, "--model", vit, "--explain", out]);
  expect(plain).toMatchObject({ exitCode: 2, notes: [expect.stringContaining("--tokens")] });
});

test("merged tokens: a stage a block, and of each patch what is left", async () => {
  const args = ["classify", BOATS, "--model", vit, "--tokens", "merge=3:tome", "--explain", at("merged.svg"), "--json"];
  const { stages } = JSON.parse((await cli(args)).stdout).tokens.views[0];
  expect(stages.map(({ tokens }: { tokens: number }) => tokens)).toEqual([13, 10, 7]);
  for (const { tokens, left_of_patch } of stages)
    expect(left_of_patch.reduce((a: number, b: number) => a + b)).toBeCloseTo(tokens, 2);
});

test("embed and models take the dial", async () => {
  const vectors = async (...more: string[]) =>
    JSON.parse((await cli(["embed", BOATS, "--model", vit, "--json", "--no-cache", ...more])).stdout).embedding;
  expect(await vectors("--tokens", EVIT)).not.toEqual(await vectors());
  const macs = async (...more: string[]) =>
    JSON.parse((await cli(["models", vit, "--json", ...more])).stdout).macs as number;
  expect(await macs("--tokens", EVIT)).toBeLessThan(0.9 * (await macs()));
  const { stdout } = await cli(["models", vit, "--tokens", EVIT], { columns: 200 });
  expect(stdout).toMatch(/tokens +keep=0\.5@1:evit: 16 patches, 9 tokens from block 1 on\n/);
});

test("a model that is saved or exported states it, and can be given others", async () => {
  const reduced = await writeVit(at("reduced"), { tokens: EVIT });
  const { stdout } = await cli(["inspect", reduced], { columns: 200 });
  expect(stdout).toMatch(/tokens +keep=0\.5@1:evit: 16 patches, 9 tokens from block 1 on; .* instead of /);
  const file = at("reduced.onnx");
  expect((await cli(["export", vit, file, "--tokens", EVIT])).exitCode).toBe(0);
  expect((await cli(["inspect", file])).stdout).toMatch(/tokens +keep=0\.5@1:evit/);
  const config = async (tokens: string) =>
    requireNative(await loadModel(nodeHost, reduced, { tokens })).definition.config as { tokens?: string };
  expect((await config("keep=0.25@2:prune")).tokens).toBe("keep=0.25@2:prune");
  expect((await config("none")).tokens).toBeUndefined();
});

test("what cannot be is refused before anything is loaded", async () => {
  const sparse = writeMini(folder, "sparseformer_v1_mini_64x64");
  const onnx = resolve(import.meta.dirname, "../cases/onnx/conf_logits.onnx");
  const resnet = at("resnet");
  mkdirSync(resnet);
  writeFileSync(join(resnet, "config.json"), JSON.stringify({ architecture: "resnet", config: {} }));
  writeFileSync(join(resnet, "model.safetensors"), "no weights at all");
  const refused = async (model: string, tokens: string, words: RegExp) => {
    const { exitCode, notes } = await cli(["classify", BOATS, "--model", model, "--tokens", tokens]);
    expect([exitCode, notes.join("\n")]).toEqual([2, expect.stringMatching(words)]);
  };
  await refused(vit, "keep=0.5@1:evitt", /did you mean "?evit\b/i);
  await refused(vit, "keep=0@1:evit", /leaves nothing/);
  await refused(vit, "keep=0.5@3:evit", /block/);
  await refused(vit, "0", /at least 1/);
  await refused(vit, "16", /no latent tokens/);
  await refused(sparse, EVIT, /no tokens/);
  await refused(resnet, EVIT, /no tokens/);
  await refused(vit, "keep=0.5@1:dynamicvit", /the weights do not go with tokens .* no score_predictor/);
  await refused(onnx, EVIT, /is an ONNX file: its tokens cannot be changed/);
  await refused(vit, "1.2.3", /"1\.2\.3" is neither a number of tokens nor a reduction/);
  await refused(vit, "stop=0.9:dtop", /tokens of this model are not reduced by dtop/);
  await refused(vit, "transform=0.5@1:transforming+tau=1e-300", /tau must be a number from/);
  const models = await cli(["models", vit, "--tokens", "25"]);
  expect(models).toMatchObject({ exitCode: 2, notes: [expect.stringContaining("no latent tokens")] });
  const field = await cli(["classify", BOATS, "--model", vit, "--config", "tokens=5"]);
  expect(field).toMatchObject({
    exitCode: 2,
    notes: [expect.stringMatching(/tokens must be text, not 5\s+such as merge/)],
  });
  const json = await cli(["classify", BOATS, "--model", vit, "--tokens", EVIT, "--explain", at("what.json")]);
  expect(json).toMatchObject({ exitCode: 2, notes: [expect.stringContaining("drawings are .png, .svg or .html")] });
});

/** A model folder whose config.json somebody has edited. */
function edited(from: string, name: string, config: Record<string, unknown>): string {
  cpSync(from, at(name), { recursive: true });
  const file = join(at(name), "config.json");
  const written = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...written, config: { ...written.config, ...config } }));
  return at(name);
}

test("tokens written by hand: none is all of them, and nonsense gives way to what is asked for", async () => {
  const macs = async (model: string, ...more: string[]) =>
    JSON.parse((await cli(["models", model, "--json", ...more])).stdout).macs as number;
  const all = await macs(vit);
  const none = edited(vit, "none", { tokens: "none" });
  expect(await macs(none)).toBe(all);
  expect((await cli(["inspect", none])).stdout).not.toMatch(/tokens +none/);
  const wrong = edited(vit, "wrong", { tokens: "keep=0.5@9:evit" });
  expect((await cli(["models", wrong])).notes.join()).toMatch(/there is no block 9/);
  expect(await macs(wrong, "--tokens", "none")).toBe(all);
  const steps = at("steps");
  mkdirSync(steps);
  const gfnet = {
    architecture: "gfnet",
    config: { ...registry.get("gfnet_resnet50_96")!.config, tokens: "merge=1:tome" },
  };
  writeFileSync(join(steps, "config.json"), JSON.stringify(gfnet));
  writeFileSync(join(steps, "model.safetensors"), "no weights at all");
  const ignored = await cli(["models", steps]);
  expect(ignored).toMatchObject({
    exitCode: 2,
    notes: [expect.stringMatching(/gfnet has no tokens that could be fewer/)],
  });
});

test("what another way had learnt is left out; its own must be as many as its places", async () => {
  const learnt = await writeVit(at("learnt"), { tokens: "keep=0.5@0,1:dynamicvit" });
  const interpreted = await writeVit(at("interpreted"), { tokens: "policy@0,1:ia-red2" });
  const weights = async (model: string, tokens: string) => [
    ...requireNative(await loadModel(nodeHost, model, { tokens })).weights.keys(),
  ];
  const plain = [...requireNative(await loadModel(nodeHost, vit)).weights.keys()];
  for (const model of [learnt, interpreted])
    for (const tokens of ["none", EVIT, "merge=2:tome"]) expect(await weights(model, tokens)).toEqual(plain);
  await expect(weights(learnt, "keep=0.5@0:dynamicvit")).rejects.toThrow(/no use for score_predictor\.1/);
  await expect(weights(interpreted, "policy@0:ia-red2")).rejects.toThrow(/no use for groups\.1/);
  const { stdout } = await cli(["inspect", interpreted], { columns: 200 });
  expect(stdout).toMatch(/ia-red2: 16 patches, of which the picture decides how many go on from block 0, 1/);
});
