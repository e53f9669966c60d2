// Files in memory, and folders laid over them.
import { expect, test } from "vitest";
import { MemoryFiles } from "./files-memory.ts";
import { chosenFiles, MountedFiles, wholeFile } from "./mounts.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("files in memory behave as files do", async () => {
  const files = new MemoryFiles();
  await expect(files.writeAtomic("a/b", "x")).rejects.toMatchObject({ code: "not_found" });
  await files.makeDirectory("a/c");
  await files.writeAtomic("a/b", "one");
  await files.append("a/b", " two");
  expect(text(await files.read("/a/./b"))).toBe("one two");
  expect(text(await files.readRange("a/b", 4, 2))).toBe("tw");
  await expect(files.read("a/b", { maxBytes: 3 })).rejects.toMatchObject({ code: "limit" });
  await expect(files.read("a")).rejects.toMatchObject({ code: "is_directory" });
  expect(await files.list("a")).toEqual([
    { path: "a/b", isDirectory: false, size: 7 },
    { path: "a/c", isDirectory: true, size: 0 },
  ]);
  await files.rename("a", "z");
  expect(await files.stat("a/b")).toBeUndefined();
  expect(text(await files.readBeside("z/c", "b"))).toBe("one two");
  await files.makeDirectory("a");
  await expect(files.rename("a", "z")).rejects.toMatchObject({ code: "file_eexist" });
  const lock = await files.lock("z");
  await expect(files.lock("/z/")).rejects.toMatchObject({ code: "in_use" });
  await lock[Symbol.asyncDispose]();
  await (await files.lock("z"))[Symbol.asyncDispose]();
  await files.remove("z");
  expect(await files.stat("z/b")).toBeUndefined();
  await files.remove("z");
});

test("a chosen folder is laid over the files below, and is only read", async () => {
  const below = new MemoryFiles();
  await below.makeDirectory("own");
  const chosen = chosenFiles(
    "(chosen)",
    new Map([
      ["m/config.json", new Blob(["{}"])],
      ["m/onnx/model.onnx", new Blob(["bytes"])],
    ]),
  );
  const files = new MountedFiles(below, [chosen]);
  expect((await files.list("(chosen)/m")).map(({ path, isDirectory, size }) => [path, isDirectory, size])).toEqual([
    ["(chosen)/m/config.json", false, 2],
    ["(chosen)/m/onnx", true, 0],
  ]);
  expect(text(await files.read(files.join("(chosen)/m/onnx", "..", "config.json")))).toBe("{}");
  expect(text(await files.readRange("(chosen)/m/onnx/model.onnx", 1, 3))).toBe("yte");
  await expect(files.readBeside("(chosen)/m/config.json", "../x")).rejects.toMatchObject({ code: "format" });
  await expect(files.read("(chosen)/m/none")).rejects.toMatchObject({ code: "not_found" });
  await expect(files.writeAtomic("(chosen)/m/x", "")).rejects.toMatchObject({ code: "file_erofs" });
  await expect(files.remove("(chosen)")).rejects.toMatchObject({ code: "file_erofs" });
  await files.writeAtomic("own/x", "mine");
  expect(text(await below.read("own/x"))).toBe("mine");
});

test("what an overlay lacks is in the files below, and can be written", async () => {
  const below = new MemoryFiles();
  const pulled = async (path: string) => (path === "a.pth" ? wholeFile(1, async () => Uint8Array.of(7)) : undefined);
  const files = new MountedFiles(below, [{ root: ".cache", isOverlay: true, entry: pulled }]);
  expect(await files.read(".cache/a.pth")).toEqual(Uint8Array.of(7));
  expect(await files.stat(".cache/texts")).toBeUndefined();
  await files.makeDirectory(".cache/texts");
  await files.append(".cache/texts/t", "line");
  expect(await files.list(".cache")).toEqual([{ path: ".cache/texts", isDirectory: true, size: 0 }]);
});
