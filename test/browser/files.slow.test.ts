// A page's own files, in the browser's private file system.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noChromium } from "./chromium.ts";
import type { FilesApi } from "./pages/files-page.ts";
import { openSite, type Site } from "./site.ts";

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.skipIf(noChromium)("files in a page", () => {
  let site: Site<FilesApi>;
  beforeAll(async () => {
    site = await openSite({ page: "files-page" });
  });
  afterAll(() => site?.close());

  test("are written, added to, listed, renamed, deleted, and there after a reload", async () => {
    const { api, page } = await site.open();
    expect(await failure(api.write("runs/a", "x"))).toMatchObject({ code: "not_found" });
    await api.makeDirectory("runs/1/checkpoint");
    await api.write("runs/1/config.json", "{}");
    await api.write("runs/1/checkpoint/weights", "12345");
    const lines = Array.from({ length: 12 }, (_, i) => `line ${i}\n`);
    await api.append("runs/1/log", lines);
    await page.reload();
    expect(await api.read("runs/1/log")).toBe(lines.join(""));
    expect(await api.read("/runs/./1/../1/config.json")).toBe("{}");
    expect(await api.readBeside("runs/1/config.json", "checkpoint/weights")).toBe("12345");
    expect(await failure(api.readBeside("runs/1/config.json", "../../secret"))).toMatchObject({ code: "format" });
    expect(await failure(api.read("runs/1/log", 10))).toMatchObject({ code: "limit" });
    expect(await failure(api.read("runs/1"))).toMatchObject({ code: "is_directory" });
    expect(await failure(api.read("runs/2"))).toMatchObject({ code: "not_found" });
    expect(await api.list("runs/1")).toEqual([
      { path: "runs/1/checkpoint", isDirectory: true, size: 0 },
      { path: "runs/1/config.json", isDirectory: false, size: 2 },
      { path: "runs/1/log", isDirectory: false, size: lines.join("").length },
    ]);
    await api.rename("runs/1", "runs/one");
    expect(await api.stat("runs/1")).toBeUndefined();
    expect(await api.read("runs/one/checkpoint/weights")).toBe("12345");
    await api.rename("runs/one/log", "log");
    expect(await api.read("log")).toBe(lines.join(""));
    expect(await failure(api.rename("log", "runs/one"))).toMatchObject({ code: "file_eexist" });
    await api.remove("runs");
    await api.remove("runs");
    expect((await api.list("")).map(({ path }) => path)).toEqual(["log"]);
    await page.context().close();
  });

  test("a folder that was being renamed when the tab died is at its new place at the next visit", async () => {
    const { api, page } = await site.open();
    await api.makeDirectory("new/inner");
    for (const name of ["a", "b", "inner/c"]) await api.write(`new/${name}`, name);
    await api.diesWhileMoving("new", "last", ["b"]);
    await page.reload();
    expect(await api.stat("new")).toBeUndefined();
    for (const name of ["a", "b", "inner/c"]) expect(await api.read(`last/${name}`)).toBe(name);
    expect((await api.list("")).map(({ path }) => path)).toEqual(["last"]);
    await page.context().close();
  });

  test("a folder is one tab's at a time, and free again when that is closed", async () => {
    const { api, page } = await site.open();
    await api.makeDirectory("mine");
    const lock = await api.lock("mine");
    expect(await failure(api.lock("/mine/"))).toMatchObject({ code: "in_use" });
    await api.unlock(lock);
    await api.lock("mine");
    await page.reload();
    await api.unlock(await api.lock("mine"));
    expect(await failure(api.lock("none"))).toMatchObject({ code: "not_found" });
    await page.context().close();
  });
});
