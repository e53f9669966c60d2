// No command writes over what it reads, whatever the path is called.
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { cli } from "./fake-terminal.ts";
import { PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");
const at = (...parts: string[]) => join(folder, ...parts);
const weights = join(model, "model.safetensors");
const config = join(model, "config.json");
const album = at("album", "train", "cat");
const picture = join(album, "a.png");

beforeAll(() => {
  mkdirSync(album, { recursive: true });
  copyFileSync(PASTORAL, picture);
  linkSync(picture, at("hard.png"));
  symlinkSync(picture, at("soft.png"));
  symlinkSync("album", at("also-album"));
  writeFileSync(at("list.txt"), picture);
  cpSync(resolve(import.meta.dirname, "../cases/onnx/external-a"), at("external"), { recursive: true });
});

const contents = () =>
  [picture, weights, config, at("list.txt")].map((path) =>
    createHash("sha256").update(readFileSync(path)).digest("hex"),
  );

test.each([
  ["a picture by its drawing", ["classify", picture, "-m", model, "--explain", picture]],
  ["a picture in a folder", ["classify", at("album"), "-m", model, "--explain", join(album, "..", "cat")]],
  ["a picture through a link", ["classify", picture, "-m", model, "--explain", at("soft.png")]],
  ["a picture under another name", ["classify", picture, "-m", model, "--explain", at("hard.png")]],
  ["a picture by vectors", ["embed", picture, "-m", model, "--output", picture]],
  ["a list", ["embed", "-m", model, "--from-file", at("list.txt"), "--output", at("list.txt")]],
  ["a model by its export", ["export", model, weights]],
  ["the weights of an ONNX file", ["export", at("external", "model.onnx"), at("external", "model.onnx.data")]],
  ["a model by a report", ["eval", model, at("album"), "--report", config]],
  ["a picture by a report", ["eval", model, at("album"), "--report", join(at("also-album"), "train", "cat", "a.png")]],
  ["a checkpoint by its folder", ["convert", weights, model, "--force"]],
  ["a model by itself", ["convert", model, model, "--force", "--dtype", "float16"]],
  ["tensors by tensors", ["run", model, "--input", weights, "--output", weights]],
  ["a model by measurements", ["bench", model, "--json", config]],
  ["a file by another output", ["bench", model, "--json", at("x"), "--csv", at("album", "..", "x")]],
  ["data by a run", ["train", at("album"), "--out", at("also-album")]],
  ["a part of data by a run", ["train", at("album"), "--out", at("also-album", "new", "run")]],
  ["data by scenes", ["scenes", at("album"), at("album", "scenes")]],
])("%s is not replaced", async (_, args) => {
  const before = contents();
  const { exitCode, notes, stdout } = await cli(args);
  expect(notes.join("\n")).toMatch(/would be replaced|written twice|is the folder that is read|which is read/);
  expect([exitCode, stdout]).toEqual([2, ""]);
  expect(contents()).toEqual(before);
});

test("what was written before is replaced, and drawings never replace each other", async () => {
  const pictures = ["one/a.jpg", "two/a.jpg", "one/a-2.jpg", "one/A.png"].map((name) => at(name));
  mkdirSync(at("one"));
  mkdirSync(at("two"));
  for (const path of pictures) copyFileSync(PASTORAL, path);
  for (let run = 0; run < 2; run++) {
    const { exitCode, stdout } = await cli(["classify", ...pictures, "-m", model, "--explain", at("looked"), "--json"]);
    expect(exitCode).toBe(0);
    const drawn = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).explained);
    expect(drawn).toEqual(["a.png", "a-2.png", "a-2-2.png", "A-3.png"].map((name) => at("looked", name)));
  }
});
