import { constants as bufferConstants } from "node:buffer";
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { LimitError, NotFoundError, SaccadeError } from "../../errors.ts";
import { nodeFiles as files } from "./files.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...parts: string[]) => files.join(folder, ...parts);

test("what is written comes back, and nothing else is left", async () => {
  await files.makeDirectory(at("a", "b"));
  await files.writeAtomic(at("a", "b", "file"), Uint8Array.of(1, 2, 3));
  expect(await files.read(at("a", "b", "file"))).toEqual(Uint8Array.of(1, 2, 3));
  await files.writeAtomic(at("a", "b", "file"), "héllo");
  expect(new TextDecoder().decode(await files.read(at("a", "b", "file")))).toBe("héllo");
  expect(readdirSync(at("a", "b"))).toEqual(["file"]);
  await files.writeAtomic(at("empty"), "");
  expect(await files.read(at("empty"))).toEqual(new Uint8Array(0));
});

test("a folder comes with those that it lies in, and may be there already", async () => {
  await files.makeDirectory(at("deep", "deeper", "deepest"));
  await files.makeDirectory(at("deep", "deeper"));
  expect((await files.stat(at("deep", "deeper", "deepest")))?.isDirectory).toBe(true);
  writeFileSync(at("deep", "file"), "");
  await expect(files.makeDirectory(at("deep", "file"))).rejects.toThrow("a file of this name is in the way");
  await expect(files.makeDirectory(at("deep", "file", "x", "y"))).rejects.toThrow("a part of the path is a file");
  symlinkSync("deeper", at("deep", "link"));
  await files.makeDirectory(at("deep", "link", "new"));
  expect((await files.stat(at("deep", "deeper", "new")))?.isDirectory).toBe(true);
});

test.skipIf(process.platform !== "linux")("a folder that takes no others is an error, soon", async () => {
  const attempt = files.makeDirectory("/proc/none/inside");
  await expect(attempt).rejects.toThrow("cannot make the folder /proc/none/inside: nothing can be made there");
});

test("stat and list", async () => {
  await files.makeDirectory(at("l", "sub"));
  await files.writeAtomic(at("l", "b"), "22");
  await files.writeAtomic(at("l", "a"), "1");
  symlinkSync("nowhere", at("l", "z"));
  const size = (await files.stat(at("l", "sub")))?.size;
  expect(await files.list(at("l"))).toEqual([
    { path: at("l", "a"), isDirectory: false, size: 1 },
    { path: at("l", "b"), isDirectory: false, size: 2 },
    { path: at("l", "sub"), isDirectory: true, size },
    { path: at("l", "z"), isDirectory: false, size: 7 },
  ]);
  expect(await files.stat(at("l", "none"))).toBeUndefined();
  expect(await files.stat(at("l", "a", "below a file"))).toBeUndefined();
  await expect(files.list(at("none"))).rejects.toThrow(/folder not found/);
  await expect(files.list(at("l", "a"))).rejects.toThrow(/a part of the path is a file/);
});

test("links never lead a walk in circles", async () => {
  await files.makeDirectory(at("walk", "x"));
  await files.makeDirectory(at("walk", "y"));
  symlinkSync(".", at("walk", "itself"));
  symlinkSync(folder, at("walk", "above"));
  symlinkSync("../y", at("walk", "x", "to-y"));
  symlinkSync("../x", at("walk", "y", "to-x"));
  const below = async (path: string): Promise<string[]> => {
    const inner = (await files.list(path)).map((entry) => below(entry.path));
    return [path.slice(at("walk").length + 1), ...(await Promise.all(inner)).flat()];
  };
  expect(await below(at("walk"))).toEqual(["", "x", "x/to-y", "y", "y/to-x"]);
});

test("reading what is not there, not a file, or too large", async () => {
  await expect(files.read(at("none"))).rejects.toBeInstanceOf(NotFoundError);
  await expect(files.read(folder)).rejects.toThrow(/it is a folder, not a file/);
  await files.writeAtomic(at("ten"), "0123456789");
  expect((await files.read(at("ten"), { maxBytes: 10 })).length).toBe(10);
  await expect(files.read(at("ten"), { maxBytes: 9 })).rejects.toBeInstanceOf(LimitError);
  await expect(files.read("a\0b")).rejects.toBeInstanceOf(SaccadeError);
});

test.skipIf(process.platform === "win32")(
  "a pipe does not hang the reader, a file of unknown size is read",
  async () => {
    execFileSync("mkfifo", [at("pipe")]);
    await expect(files.read(at("pipe"))).rejects.toThrow(/not a regular file/);
    if (process.platform !== "linux") return;
    expect(new TextDecoder().decode(await files.read("/proc/self/status"))).toMatch(/^Name:/);
    await expect(files.read("/proc/self/status", { maxBytes: 4 })).rejects.toBeInstanceOf(LimitError);
  },
);

test("a failed write keeps the old file and leaves no temporary one", async () => {
  await files.makeDirectory(at("w", "taken"));
  await expect(files.writeAtomic(at("w", "taken"), "x")).rejects.toThrow(/it is a folder/);
  await expect(files.writeAtomic(at("w", "no folder", "f"), "x")).rejects.toThrow(/folder not found: .*no folder/);
  writeFileSync(at("w", "old"), "old");
  const bad = { length: 3 } as Uint8Array; // refused by fs after the temporary file was opened
  await expect(files.writeAtomic(at("w", "old"), bad)).rejects.toBeInstanceOf(SaccadeError);
  expect(readFileSync(at("w", "old"), "utf8")).toBe("old");
  expect(readdirSync(at("w"))).toEqual(["old", "taken"]);
});

test.skipIf(process.platform === "win32")("a replaced file keeps its mode", async () => {
  writeFileSync(at("mode"), "1");
  chmodSync(at("mode"), 0o640);
  await files.writeAtomic(at("mode"), "2");
  expect(statSync(at("mode")).mode & 0o777).toBe(0o640);
});

test.skipIf(process.platform === "win32")("a write goes where links lead, and links stay", async () => {
  await files.makeDirectory(at("links", "real"));
  writeFileSync(at("links", "real", "file"), "old");
  symlinkSync("real", at("links", "folder"));
  symlinkSync("folder/file", at("links", "to-file"));
  symlinkSync("to-file", at("links", "to-link"));
  await files.writeAtomic(at("links", "to-link"), "new");
  expect(readFileSync(at("links", "real", "file"), "utf8")).toBe("new");
  symlinkSync("../links/folder/../fresh", at("links", "to-nothing"));
  await files.writeAtomic(at("links", "to-nothing"), "made");
  expect(readFileSync(at("links", "fresh"), "utf8")).toBe("made");
  expect(lstatSync(at("links", "to-link")).isSymbolicLink()).toBe(true);
  symlinkSync("circle", at("links", "circle"));
  await expect(files.writeAtomic(at("links", "circle"), "x")).rejects.toThrow(/links go in circles/);
  expect(readdirSync(at("links")).sort()).toEqual([
    ...["circle", "folder", "fresh", "real", "to-file", "to-link", "to-nothing"],
  ]);
});

test.skipIf(process.platform === "win32")("a pipe is written into when somebody reads it, and stays", async () => {
  execFileSync("mkfifo", [at("out-pipe")]);
  await expect(files.writeAtomic(at("out-pipe"), "x")).rejects.toThrow(/a pipe that nobody reads/);
  const large = "y".repeat(300_000); // more than a pipe holds
  const reader = promisify(execFile)("cat", [at("out-pipe")], { maxBuffer: 2 ** 20 });
  const write = () => files.writeAtomic(at("out-pipe"), large).then(() => "written");
  await expect.poll(write, { timeout: 20_000 }).toBe("written");
  expect((await reader).stdout).toBe(large);
  expect(statSync(at("out-pipe")).isFIFO()).toBe(true);
});

test.skipIf(process.platform !== "linux" || process.getuid?.() !== 0)("a device stays a device", async () => {
  execFileSync("mknod", [at("null"), "c", "1", "3"]);
  await files.writeAtomic(at("null"), "x");
  expect(statSync(at("null")).isCharacterDevice()).toBe(true);
  execFileSync("mknod", [at("full"), "c", "1", "7"]);
  await expect(files.writeAtomic(at("full"), "x")).rejects.toThrow(/the disk is full/);
});

test.skipIf(process.platform !== "linux")("what a process has open is written into", async () => {
  writeFileSync(at("open"), "before ");
  const handle = await open(at("open"), "a");
  await files.writeAtomic(`/proc/self/fd/${handle.fd}`, "after");
  await handle.close();
  expect(readFileSync(at("open"), "utf8")).toBe("before after");
});

test("concurrent writers leave one of their versions, whole", async () => {
  const versions = Array.from({ length: 8 }, (_, n) => new Uint8Array(100_000).fill(n));
  await Promise.all(versions.map((bytes) => files.writeAtomic(at("raced"), bytes)));
  const bytes = await files.read(at("raced"));
  expect(bytes.length).toBe(100_000);
  expect(new Set(bytes).size).toBe(1);
});

test("append makes a file and adds to it", async () => {
  await files.append(at("log"), "one\n");
  await files.append(at("log"), Uint8Array.of(50, 10));
  await files.append(at("log"), "");
  expect(readFileSync(at("log"), "utf8")).toBe("one\n2\n");
  await expect(files.append(at("none", "log"), "x")).rejects.toBeInstanceOf(NotFoundError);
  await expect(files.append(folder, "x")).rejects.toThrow(/cannot append to .*: it is a folder/);
});

test("rename moves files and full folders, and replaces nothing", async () => {
  await files.makeDirectory(at("r", "full", "inner"));
  await files.writeAtomic(at("r", "full", "inner", "f"), "x");
  await files.rename(at("r", "full"), at("r", "moved"));
  expect(readdirSync(at("r"))).toEqual(["moved"]);
  await files.rename(at("r", "moved", "inner", "f"), at("r", "f"));
  expect(readFileSync(at("r", "f"), "utf8")).toBe("x");
  await files.makeDirectory(at("r", "empty"));
  await expect(files.rename(at("r", "moved"), at("r", "empty"))).rejects.toThrow(/empty is in the way/);
  await files.writeAtomic(at("r", "g"), "y");
  await expect(files.rename(at("r", "f"), at("r", "g"))).rejects.toThrow(/g is in the way/);
  await expect(files.rename(at("r", "none"), at("r", "h"))).rejects.toThrow(/not found: .*none/);
  await expect(files.rename(at("r", "f"), at("r", "none", "f"))).rejects.toThrow(/folder not found: .*none/);
  expect(readdirSync(at("r"))).toEqual(["empty", "f", "g", "moved"]);
});

test("remove deletes whole folders, never what a link in them leads to", async () => {
  await files.makeDirectory(at("d", "sub"));
  await files.writeAtomic(at("d", "sub", "f"), "x");
  await files.writeAtomic(at("outside"), "kept");
  symlinkSync(at("outside"), at("d", "sub", "link"));
  await files.remove(at("d"));
  expect(await files.stat(at("d"))).toBeUndefined();
  expect(readFileSync(at("outside"), "utf8")).toBe("kept");
  await files.remove(at("d"));
  await files.remove(at("outside"));
  expect(await files.stat(at("outside"))).toBeUndefined();
});

test("a file longer than any run of bytes is refused before anything is allocated", async () => {
  const path = at("endless");
  writeFileSync(path, "");
  truncateSync(path, bufferConstants.MAX_LENGTH + 1); // sparse: it takes no room
  const error = await files.read(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LimitError);
  expect((error as LimitError).data).toMatchObject({ limit: bufferConstants.MAX_LENGTH });
  rmSync(path);
});

test.runIf(process.platform === "linux")(
  "names that are not UTF-8 are listed, and say why they cannot be opened",
  async () => {
    await files.makeDirectory(at("bytes"));
    const bad = Buffer.concat([Buffer.from(`${at("bytes")}/caf`), Buffer.of(0xe9), Buffer.from(".jpg")]);
    writeFileSync(bad, "x");
    writeFileSync(at("bytes", "good.jpg"), "x");
    const entries = await files.list(at("bytes"));
    expect(entries.map(({ path }) => path)).toEqual([at("bytes", "caf\ufffd.jpg"), at("bytes", "good.jpg")]);
    await expect(files.read(entries[0]!.path)).rejects.toMatchObject({
      code: "not_found",
      hint: "its name is not UTF-8 text: rename it",
    });
  },
);
