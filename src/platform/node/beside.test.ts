import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FormatError, LimitError, NotFoundError } from "../../errors.ts";
import { nodeFiles } from "./files.ts";

const root = mkdtempSync(join(tmpdir(), "saccade-beside-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const model = join(root, "model", "m.onnx");
mkdirSync(join(root, "model", "parts"), { recursive: true });
mkdirSync(join(root, "model..more"));
writeFileSync(model, "model");
writeFileSync(join(root, "model", "parts", "w.bin"), "inside");
writeFileSync(join(root, "model", "..w.bin"), "odd name");
writeFileSync(join(root, "secret"), "outside");
writeFileSync(join(root, "model..more", "secret"), "outside");

const read = async (name: string, path = model) => new TextDecoder().decode(await nodeFiles.readBeside(path, name));

test("a file in the folder, or below it", async () => {
  expect(await read("parts/w.bin")).toBe("inside");
  expect(await read("./parts/w.bin")).toBe("inside");
  expect(await read("..w.bin")).toBe("odd name");
});

test.each([
  "../secret",
  "parts/../../secret",
  "..\\secret",
  join(root, "secret"),
  "C:\\secret",
  "\\\\host\\secret",
  "w\0.bin",
  "",
  ".",
])("%j leads out of it, or is none", async (name) => {
  await expect(nodeFiles.readBeside(model, name)).rejects.toThrow(FormatError);
});

test.skipIf(process.platform === "win32")("a link must not lead out of it either", async () => {
  symlinkSync(join(root, "secret"), join(root, "model", "link"));
  symlinkSync(root, join(root, "model", "up"));
  symlinkSync("parts/w.bin", join(root, "model", "fine"));
  symlinkSync(join(root, "model..more"), join(root, "model", "sibling"));
  await expect(read("link")).rejects.toThrow(FormatError);
  await expect(read("up/secret")).rejects.toThrow(FormatError);
  await expect(read("sibling/secret")).rejects.toThrow(FormatError);
  expect(await read("fine")).toBe("inside");
});

test.skipIf(process.platform === "win32")(
  "a cache that links to both files from one folder is one folder",
  async () => {
    const [blobs, snapshot] = [join(root, "blobs"), join(root, "snapshot")];
    for (const folder of [blobs, snapshot]) mkdirSync(folder);
    writeFileSync(join(blobs, "1a"), "model");
    writeFileSync(join(blobs, "2b"), "weights");
    symlinkSync("../blobs/1a", join(snapshot, "m.onnx"));
    symlinkSync("../blobs/2b", join(snapshot, "m.onnx.data"));
    expect(await read("m.onnx.data", join(snapshot, "m.onnx"))).toBe("weights");
  },
);

test("what is not there, a folder, and what is too large are told as for any file", async () => {
  await expect(read("nothing.bin")).rejects.toThrow(NotFoundError);
  await expect(read("parts")).rejects.toThrow(/folder/);
  await expect(nodeFiles.readBeside(model, "parts/w.bin", { maxBytes: 3 })).rejects.toThrow(LimitError);
});
