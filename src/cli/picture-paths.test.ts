import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { SaccadeError } from "../errors.ts";
import type { Host } from "../platform/host.ts";
import { nodeHost } from "../platform/node/host.ts";
import { parsePictureList } from "./picture-list.ts";
import { expandPictures, type PictureArguments } from "./picture-paths.ts";
import type { Terminal } from "./terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-paths-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...parts: string[]) => join(folder, ...parts);
mkdirSync(at("album", "inner"), { recursive: true });
mkdirSync(at("empty"));
mkdirSync(at("folder.jpg"));
for (const name of [
  "album/b.jpg",
  "album/a.png",
  "album/inner/c.jpeg",
  "album/notes.txt",
  "x[1].jpg",
  "folder.jpg/d.jpg",
])
  writeFileSync(at(name), "");

const text = (value: string) => new TextEncoder().encode(value);

async function expand(args: Partial<PictureArguments>, options: { stdin?: string; host?: Host } = {}) {
  const notes: string[] = [];
  const terminal: Terminal = {
    out: () => undefined,
    note: (line) => notes.push(line),
    status: () => undefined,
    outputClosed: false,
    columns: 80,
    interactive: false,
    readInput: async () => text(options.stdin ?? ""),
    signal: new AbortController().signal,
  };
  const { pictures, problems } = await expandPictures(options.host ?? nodeHost, { paths: [], ...args }, terminal);
  const names = pictures.map(({ name }) => (name.startsWith(folder) ? name.slice(folder.length + 1) : name));
  return { names, problems: problems.map(({ error }) => error.message), notes };
}

test("paths in their order, folders to the bottom, what is no picture counted", async () => {
  const { names, problems, notes } = await expand({
    paths: [at("x[1].jpg"), at("album"), at("folder.jpg"), at("album/*.jpg")],
  });
  expect(names).toEqual([
    "x[1].jpg",
    "album/a.png",
    "album/b.jpg",
    "album/inner/c.jpeg",
    "folder.jpg/d.jpg",
    "album/b.jpg",
  ]);
  expect([problems, notes]).toEqual([[], ["left out: 1 .txt"]]);
});

test.skipIf(process.platform === "win32")("one path that gives no picture stops no other", async () => {
  symlinkSync("circle.jpg", at("circle.jpg"));
  const long = at(`${"n".repeat(300)}.jpg`);
  const paths = [at("circle.jpg"), long, at("empty"), at("*.gif"), at("none.jpg"), at("album/b.jpg")];
  const { names, problems } = await expand({ paths });
  expect(names).toEqual(["album/b.jpg"]);
  expect(problems).toEqual([
    expect.stringContaining("its links go in circles"),
    expect.stringContaining("the name is too long"),
    expect.stringContaining("there are no pictures in the folder"),
    expect.stringContaining("picture not found"),
    expect.stringContaining("picture not found"),
  ]);
});

test("a folder that may not be looked into stops no other", async () => {
  const list: Host["files"]["list"] = async (path) => {
    if (path.endsWith("inner")) throw new SaccadeError("file_eacces", `cannot list ${path}: permission denied`);
    return nodeHost.files.list(path);
  };
  const host = { ...nodeHost, files: { ...nodeHost.files, list } };
  const { names, problems } = await expand({ paths: [at("album")] }, { host });
  expect(names).toEqual(["album/a.png", "album/b.jpg"]);
  expect(problems).toEqual([expect.stringMatching(/inner: permission denied/)]);
});

test("nothing but problems is an error, and each is said", async () => {
  await expect(expand({ paths: [at("empty")] })).rejects.toThrow(/no pictures in the folder/);
  await expect(expand({ paths: [at("empty"), at("none.jpg")] })).rejects.toThrow(/none.jpg/);
  await expect(expand({})).rejects.toThrow(/no pictures were given/);
});

test("lists: of lines or with NULs, from a file or standard input, beside arguments", async () => {
  writeFileSync(at("list"), `\ufeff${at("album/b.jpg")}\r\n\r\n${at("x[1].jpg")}\n${at("none.jpg")}`);
  const listed = await expand({ paths: [at("folder.jpg")], fromFile: at("list") });
  expect(listed.names).toEqual(["folder.jpg/d.jpg", "album/b.jpg", "x[1].jpg"]);
  expect(listed.problems).toEqual([expect.stringContaining("none.jpg")]);
  const piped = await expand({ fromFile: "-" }, { stdin: `${at("album/b.jpg")}\0` });
  expect(piped.names).toEqual(["album/b.jpg"]);
  expect(parsePictureList(text("a\nb.jpg\0c.jpg\0"), "list")).toEqual(["a\nb.jpg", "c.jpg"]);
  expect(() => parsePictureList(Uint8Array.of(97, 10, 98, 10, 255, 10), "list")).toThrow(/list:3 is not UTF-8/);
  await expect(expand({ paths: ["-"], fromFile: "-" })).rejects.toThrow(/only once/);
  await expect(expand({ fromFile: at("album") })).rejects.toThrow(/a folder, not a list/);
  await expect(expand({ fromFile: at("nowhere") })).rejects.toThrow(/list of pictures not found/);
  await expect(expand({ fromFile: "-" })).rejects.toThrow(/lists no pictures/);
});

test("more paths than a call takes arguments", async () => {
  const many = 200_000;
  const stdin = Array.from({ length: many }, (_, i) => `p${i}.jpg`).join("\n");
  const stat: Host["files"]["stat"] = async (path) => ({ path, isDirectory: path === "root", size: 1 });
  const list: Host["files"]["list"] = async () =>
    Array.from({ length: many }, (_, i) => ({ path: `root/${i}.jpg`, isDirectory: false, size: 1 }));
  const host = { ...nodeHost, files: { ...nodeHost.files, stat, list } };
  expect((await expand({ paths: ["root"], fromFile: "-" }, { stdin, host })).names).toHaveLength(2 * many);
});
