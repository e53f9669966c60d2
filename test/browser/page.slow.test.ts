// What a person does in the page: looks at pictures, opens models, compares them, loses the network; and what is said when something goes wrong.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { exportOnnx } from "../../src/model-folder/compile.ts";
import { loadModel } from "../../src/model-folder/load.ts";
import type { NativeModel } from "../../src/model-folder/model.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import type { PageServer } from "../../src/platform/node/page-server.ts";
import { writeSafetensors } from "../../src/weights/safetensors.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "../cli/mini-model.ts";
import { launchChromium, noChromium } from "./chromium.ts";
import { type BuiltPage, buildPage, type OpenedPage, openPage } from "./served-page.ts";

const folder = temporaryFolder();
const answered = (page: Page) => page.locator(".answer-best").waitFor();
const choosePicture = (page: Page, path: string) => page.locator("input[type=file]").first().setInputFiles(path);
const problem = (page: Page) => page.getByRole("alert");
const tab = (page: Page, name: string) => page.getByRole("link", { name, exact: true }).click();

describe.skipIf(noChromium)("the page", () => {
  let built: BuiltPage;
  let server: PageServer;
  let browser: Browser;
  let open: OpenedPage | undefined;

  beforeAll(async () => {
    built = await buildPage();
    server = await built.serve();
    browser = await launchChromium();
  }, 300_000);
  afterEach(async () => {
    await open?.page.context().close();
    open = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    built?.remove();
  });
  const start = async (options?: Parameters<typeof openPage>[2]) => {
    open = await openPage(browser, server.url, options);
    return open;
  };

  test("a picture is named, and its looks are shown one by one", async () => {
    const { page, faults } = await start();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await choosePicture(page, BOATS);
    await answered(page);
    expect(await page.locator(".answer-best").textContent()).toBe("ferry");
    expect(await page.locator(".answer-list li").count()).toBe(5);
    const slider = page.getByRole("slider", { name: "Look" });
    await slider.focus();
    for (const key of ["Home", "ArrowRight", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
    await expect.poll(() => slider.getAttribute("aria-valuetext")).toBe("Look 3 · 16 regions, 256 points");
    // The canvas has something on it, in the colours of regions and points.
    const colours = await page.locator("canvas.gaze-layer").evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      let [blue, yellow] = [0, 0];
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 2]! > 200 && data[i]! < 140 && data[i + 3]! > 120) blue++;
        if (data[i]! > 220 && data[i + 2]! < 120 && data[i + 3]! > 200) yellow++;
      }
      return { blue: blue > 500, yellow: yellow > 200 };
    });
    expect(colours).toEqual({ blue: true, yellow: true });
    expect(faults).toEqual([]);
  });

  test("dials change what is seen, stop early, and are measured here", async () => {
    const { page, faults } = await start();
    await choosePicture(page, BOATS);
    await answered(page);
    const shown = await page.locator(".answer-list").textContent();
    await page.getByRole("radio", { name: "256 px" }).check();
    await expect.poll(() => page.locator(".answer-list").textContent(), { timeout: 120_000 }).not.toBe(shown);
    await page.getByRole("radio", { name: "128 px" }).check();
    await answered(page);
    await page.getByRole("radio", { name: "50 %" }).check();
    await page.getByText(/sure enough after step 1/).waitFor();
    await page.getByRole("button", { name: "Measure" }).last().click();
    await page
      .locator(".dial")
      .last()
      .getByText(/milliseconds/)
      .first()
      .waitFor();
    expect(faults).toEqual([]);
  });

  test("the number of tokens is a dial where one embedding is shared", async () => {
    const { page, faults } = await start();
    await choosePicture(page, BOATS);
    await answered(page);
    expect(await page.getByRole("group", { name: /^Tokens/ }).count()).toBe(0);
    await tab(page, "Models");
    await page.locator("input[webkitdirectory]").setInputFiles(writeMini(folder, "sparseformer_btsp_mini_64x64"));
    await page.getByRole("heading", { name: "sparseformer_btsp_mini_64x64" }).waitFor();
    await tab(page, "Look");
    await page
      .getByRole("group", { name: /^Tokens/ })
      .getByRole("radio", { name: "16" })
      .check();
    await page.getByText(/16 regions/).waitFor();
    expect(faults).toEqual([]);
  });

  test("pictures are dropped and pasted too", async () => {
    const { page } = await start();
    const bytes = [...readFileSync(PASTORAL)];
    const bring = (kind: "drop" | "paste") =>
      page.evaluate(
        ([kind, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes as number[])], `${kind}.jpg`, { type: "image/jpeg" }));
          const event =
            kind === "drop"
              ? new DragEvent("drop", { dataTransfer: data, cancelable: true })
              : new ClipboardEvent("paste", { clipboardData: data });
          dispatchEvent(event);
        },
        [kind, bytes] as const,
      );
    await page.getByText("Drop a picture here").waitFor();
    await bring("drop");
    await page.getByRole("img", { name: "drop.jpg" }).waitFor();
    await bring("paste");
    await page.getByRole("img", { name: "paste.jpg" }).waitFor();
    await answered(page);
    expect(await page.locator(".filmstrip li").count()).toBe(2);
    await page.getByRole("button", { name: "Put paste.jpg away" }).click();
    await page.getByRole("img", { name: "drop.jpg" }).waitFor();
  });

  test("what is no picture, no model and no camera is said in words", async () => {
    const { page } = await start();
    const fake = join(folder, "holiday.jpg");
    writeFileSync(fake, "this is a text");
    await choosePicture(page, fake);
    await problem(page).getByText(/text/i).first().waitFor();
    expect(await page.getByText("This file cannot be shown as a picture.").count()).toBe(1);
    // Nobody allows it here.
    await page.getByRole("button", { name: "Open the camera" }).click();
    await problem(page)
      .getByText(/camera/)
      .first()
      .waitFor();
    await tab(page, "Models");
    const broken = join(folder, "broken.onnx");
    writeFileSync(broken, "no model at all");
    await page.locator("input[type=file]").first().setInputFiles(broken);
    await problem(page)
      .getByText(/broken\.onnx/)
      .waitFor();
    const said = (await problem(page).allTextContents()).join("\n");
    expect(said).not.toMatch(/saccade [a-z]+ |--[a-z]|at .*\.js:|undefined|\(chosen\)/);
  });

  test("model folders, ONNX files and official checkpoints are opened from the disk", async () => {
    const { page, faults } = await start();
    await tab(page, "Models");
    await page.getByText("guinea pig").waitFor();
    const mini = writeMini(folder, "sparseformer_v1_mini_64x64");
    await page.locator("input[webkitdirectory]").setInputFiles(mini);
    await page.getByRole("heading", { name: "sparseformer_v1_mini_64x64" }).waitFor();
    const everyday = (await loadModel(nodeHost, "saccade/everyday")) as NativeModel;
    const onnx = join(folder, "everyday.onnx");
    writeFileSync(onnx, exportOnnx(everyday));
    await page.locator("input[type=file]").first().setInputFiles(onnx);
    await page.getByRole("heading", { name: "everyday.onnx" }).waitFor();
    const checkpoint = join(folder, "mobilenetv3.safetensors");
    const weights = initialWeights(inferenceGraph(defineModel("mobilenetv3_small_100")), 0);
    writeFileSync(checkpoint, writeSafetensors(weights, { format: "pt" }));
    await page.locator("input[type=file]").first().setInputFiles(checkpoint);
    await page.getByRole("heading", { name: "mobilenetv3.safetensors" }).waitFor();
    await page.getByText("at all of the picture").waitFor();
    await page.getByRole("button", { name: /^everyday\.onnx/ }).click();
    await tab(page, "Look");
    await choosePicture(page, BOATS);
    await answered(page);
    expect(await page.locator(".answer-best").textContent()).toBe("bridge");
    expect(faults).toEqual([]);
  });

  test("models are compared, and what was measured is taken along", async () => {
    const { page, faults } = await start();
    await tab(page, "Models");
    await page.locator("input[webkitdirectory]").setInputFiles(writeMini(folder, "sparseformer_v1_mini_48x80"));
    await page.getByRole("heading", { name: "sparseformer_v1_mini_48x80" }).waitFor();
    await tab(page, "Compare");
    await page.locator("input[type=file]").first().setInputFiles(BOATS);
    await page.getByRole("button", { name: "Look", exact: true }).click();
    await page
      .getByText(/ms a look/)
      .nth(1)
      .waitFor();
    for (const size of ["224", "448"]) await page.getByRole("checkbox", { name: size, exact: true }).uncheck();
    await page.getByRole("checkbox", { name: "64", exact: true }).check();
    await page.getByRole("button", { name: "Measure" }).click();
    await page.getByRole("table").waitFor();
    expect(await page.getByRole("row").count()).toBeGreaterThanOrEqual(4);
    expect(await page.locator(".chart canvas").count()).toBe(1);
    const saved = async (name: string) => {
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name }).click();
      return readFileSync(await (await download).path(), "utf8");
    };
    expect(JSON.parse(await saved("JSON"))).toMatchObject({ layout: 1, rows: expect.any(Array) });
    expect(await saved("CSV")).toMatch(/^model,height,width/);
    expect(await saved("Markdown")).toContain("| model | ");
    expect(faults).toEqual([]);
  });

  test("a worker that dies is said, and its model opens again", async () => {
    const { page } = await start();
    await choosePicture(page, BOATS);
    await answered(page);
    for (const worker of page.workers()) await worker.evaluate(() => self.close()).catch(() => undefined);
    await page.getByRole("radio", { name: "80 %" }).check();
    await page.getByRole("radio", { name: /never/ }).check();
    await problem(page)
      .getByText(/worker/)
      .waitFor();
    await page.getByRole("button", { name: "Try again" }).first().click();
    await answered(page);
  });

  test("light, dark and the system's choice", async () => {
    const { page } = await start({ colorScheme: "dark" });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.getByRole("button", { name: /Colours/ }).waitFor();
    expect(await ground()).toBe("rgb(19, 19, 21)");
    await page.getByRole("button", { name: /Change to light/ }).click();
    expect(await ground()).toBe("rgb(251, 250, 247)");
    await page.reload();
    await page.getByRole("button", { name: /Colours: light/ }).waitFor();
  });

  test("of the bundled models it keeps the one that it opens", () => {
    const outside = JSON.parse(readFileSync(join(built.folder, "outside.json"), "utf8")) as Record<string, string>;
    const worker = readFileSync(join(built.folder, "service-worker.js"), "utf8");
    const kept = Object.keys(outside).filter((name) => worker.includes(name));
    const models = kept.map((name) => outside[name]!).filter((path) => path.startsWith("models/"));
    expect(models.toSorted()).toEqual(["models/photographs/config.json", "models/photographs/model.safetensors"]);
  });

  test("after the first visit it works without a network", async () => {
    const own = await built.serve();
    const { page } = await openPage(browser, own.url);
    await page.getByText("The page works without a network.").waitFor();
    await own[Symbol.asyncDispose]();
    await page.reload();
    await choosePicture(page, BOATS);
    await answered(page);
    for (const name of ["Models", "Compare"]) {
      await tab(page, name);
      await page.getByRole("heading", { level: 1, name }).waitFor();
    }
    await page.context().close();
  });

  test("a newer version waits until it is taken", async () => {
    const { page } = await start();
    await page.getByText("The page works without a network.").waitFor();
    const path = join(built.folder, "service-worker.js");
    const before = readFileSync(path, "utf8");
    try {
      writeFileSync(path, `${before}\n// newer`);
      await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
      await page.getByText("A newer version of this page is ready. Taking it").waitFor();
      const reloaded = page.waitForEvent("load");
      await page.getByRole("button", { name: "Take it" }).click();
      await reloaded;
      await page.getByText("Drop a picture here").waitFor();
    } finally {
      writeFileSync(path, before);
    }
  });
});
