// A person teaches in the page: camera and folders, learning, doubts, a reload, everything as a file and back, models for elsewhere.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Classifier, encodePng, Recogniser } from "../../src/node.ts";
import { LABELS, shapePicture } from "../train/shapes.ts";
import { seriousFaults } from "./access.ts";
import { openPageSite, type PageSite } from "./built-page.ts";
import { noChromium } from "./chromium.ts";
import { serveLoopback } from "./server.ts";

const PER_CLASS = 8;

/** As expect.poll, with the time that a busy machine may take. */
const soon = <T>(look: () => T | Promise<T>) => expect.poll(look, { timeout: 300_000 });

describe.skipIf(noChromium)("teaching in the page", () => {
  const folder = mkdtempSync(join(tmpdir(), "saccade-teach-"));
  const things = join(folder, "things");
  let site: PageSite;

  beforeAll(async () => {
    for (const [label, name] of LABELS.entries()) {
      mkdirSync(join(things, name), { recursive: true });
      for (let i = 0; i < PER_CLASS; i++)
        writeFileSync(join(things, name, `${i}.png`), await encodePng(shapePicture(label, i)));
    }
    // A square among the discs.
    writeFileSync(join(things, "disc", "odd.png"), await encodePng(shapePicture(2, 99)));
    writeFileSync(join(folder, "new.png"), await encodePng(shapePicture(1, 500)));
    writeFileSync(join(folder, "none.png"), "this is no picture");
    site = await openPageSite({ args: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"] });
  }, 300_000);
  afterEach(() => site.closePages());
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const classCard = (page: Page, name: string) => page.getByRole("region", { name: `Class ${name}`, exact: true });
  const count = (page: Page, name: string) => classCard(page, name).locator(".card-header .number");
  const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });
  const learnt = (page: Page) => page.getByTestId("lesson");

  async function addFolder(page: Page) {
    await page.getByLabel("Folders of pictures").setInputFiles(things);
    await soon(() => count(page, "square").textContent()).toBe(String(PER_CLASS));
    await soon(() => count(page, "disc").textContent()).toBe(String(PER_CLASS + 1));
  }

  async function learn(page: Page) {
    await button(page, /^Learn/).click();
    await learnt(page).waitFor({ timeout: 300_000 });
    await soon(() => button(page, /^Learn/).isEnabled()).toBe(true);
  }

  async function saved(page: Page, name: string | RegExp): Promise<Buffer> {
    const [file] = await Promise.all([page.waitForEvent("download", { timeout: 300_000 }), button(page, name).click()]);
    return readFileSync((await file.path())!);
  }

  test("folders become classes, what contradicts its label is shown, and a reload loses nothing", async () => {
    const page = await site.open("teach");
    await addFolder(page);
    await learn(page);
    expect(await learnt(page).textContent()).toMatch(/Learnt 3 classes from 25 pictures/);
    const doubts = page.getByRole("region", { name: "Look at these again" });
    expect(await doubts.textContent()).toContain("In “disc”, looks like “square”");
    await doubts.getByRole("button", { name: "Move to “square”" }).first().click();
    await soon(() => count(page, "square").textContent()).toBe(String(PER_CLASS + 1));
    await page.reload();
    await soon(() => count(page, "square").textContent()).toBe(String(PER_CLASS + 1));
    await learn(page); // features are known: nothing is looked at again
    await page.locator(".teach-side").getByRole("button", { name: "Try a picture" }).waitFor();
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Try a picture").click()]);
    await chooser.setFiles(join(folder, "new.png"));
    await soon(() => page.getByTestId("verdict").textContent()).toBe("cross");
  });

  test("the camera fills a class while a button is held, and is named live", async () => {
    const page = await site.open("teach");
    await addFolder(page);
    await page.getByLabel("Name of a new class").fill("camera");
    await button(page, "Add the class").click();
    await button(page, "Open the camera").click();
    const record = button(page, "Hold to record camera");
    await soon(() => record.isEnabled()).toBe(true);
    await record.scrollIntoViewIfNeeded();
    await record.hover();
    await page.mouse.down();
    await expect.poll(async () => /^([4-9]|\d\d) /.test((await record.textContent()) ?? "")).toBe(true);
    await page.mouse.up();
    await soon(async () => Number(await count(page, "camera").textContent())).toBeGreaterThanOrEqual(4);
    await learn(page);
    await soon(() => page.getByTestId("verdict").textContent()).toBe("camera");
  });

  test("models that were saved answer in Node", async () => {
    const page = await site.open("teach");
    await addFolder(page);
    await learn(page);
    const zip = unzipSync(await saved(page, "Model folder (zip)"));
    for (const [path, bytes] of Object.entries(zip)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    await using recogniser = await Recogniser.load(join(folder, "my-model"), { device: "cpu", threads: 1 });
    expect([...recogniser.labels].sort()).toEqual([...LABELS].sort());
    const answer = await recogniser.classify(join(folder, "new.png"));
    expect(answer.predictions[0]!.label).toBe("cross");
    await using file = await Classifier.load(await saved(page, "ONNX file"), { device: "cpu", threads: 1 });
    expect((await file.classify(join(folder, "new.png"))).predictions[0]!.label).toBe("cross");
  });

  test("a page of its own answers from any server, and asks nobody else", async () => {
    const page = await site.open("teach");
    await addFolder(page);
    await learn(page);
    const zip = unzipSync(await saved(page, "Page of its own (zip)"));
    const server = await serveLoopback({ isolated: false });
    try {
      for (const [path, bytes] of Object.entries(zip)) server.put(path.replace(/^[^/]+/, ""), bytes);
      server.put("/", zip["my-model-page/index.html"]);
      const own = await (await site.browser.newContext()).newPage();
      const asked: string[] = [];
      own.on("request", (request) => asked.push(request.url()));
      await own.goto(`${server.origin}/`);
      await own.getByRole("heading", { name: "my model" }).waitFor({ timeout: 300_000 });
      const choose = button(own, "Choose a picture");
      await choose.waitFor({ timeout: 300_000 });
      const [chooser] = await Promise.all([own.waitForEvent("filechooser"), choose.click()]);
      await chooser.setFiles(join(folder, "new.png"));
      await soon(() => own.getByTestId("verdict").textContent()).toBe("cross");
      expect(asked.filter((url) => !url.startsWith(server.origin) && !url.startsWith("blob:"))).toEqual([]);
    } finally {
      await server.close();
    }
  });

  test("everything goes into one file and comes back, into a browser that knows nothing", async () => {
    const page = await site.open("teach");
    await addFolder(page);
    await learn(page);
    writeFileSync(join(folder, "all.zip"), await saved(page, "Save everything"));
    const other = await site.open("teach");
    const [chooser] = await Promise.all([other.waitForEvent("filechooser"), button(other, "Open such a file").click()]);
    await chooser.setFiles(join(folder, "all.zip"));
    await soon(() => count(other, "square").textContent()).toBe(String(PER_CLASS));
    await learn(other);
    expect(await learnt(other).textContent()).toMatch(/Learnt 3 classes from 25 pictures/);
    await button(other, "Forget everything").click();
    await button(other, "Delete").last().click();
    await soon(() => classCard(other, "square").count()).toBe(0);
  });

  test("classes, doubts and answers have no serious fault, light, dark and on a phone", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await site.open("teach", { colorScheme, viewport: { width: 360, height: 740 } });
      await addFolder(page);
      await learn(page);
      const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Try a picture").click()]);
      await chooser.setFiles(join(folder, "new.png"));
      await page.getByTestId("verdict").waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      if (process.env.SACCADE_SCREENSHOTS !== undefined)
        await page.screenshot({
          path: join(process.env.SACCADE_SCREENSHOTS, `teach-${colorScheme}.png`),
          fullPage: true,
        });
      await page.context().close();
    }
  });

  test("storage that is full is said in words, and what was there stays", async () => {
    const page = await site.open("teach");
    await addFolder(page);
    // As the browser does it; DevTools' own limit does not reach its databases.
    await page.evaluate(() => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException("no room", "QuotaExceededError");
      };
    });
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      classCard(page, "cross").getByRole("button", { name: "Add pictures" }).click(),
    ]);
    await chooser.setFiles(join(folder, "new.png"));
    const words = page.getByRole("alert");
    await soon(async () => (await words.allTextContents()).join()).toContain("no room left");
    expect(await count(page, "cross").textContent()).toBe(String(PER_CLASS));
    await page.reload();
    await soon(() => count(page, "cross").textContent()).toBe(String(PER_CLASS));
    await learn(page);
  });

  test("what is no picture, no file of Teach, no name: said in words, and the rest is kept", async () => {
    const page = await site.open("teach");
    await page.getByLabel("Name of a new class").fill("unknown");
    await button(page, "Add the class").click();
    const words = page.getByRole("alert");
    expect(await words.first().textContent()).toContain("“unknown” is the answer for what is none of the classes");
    await page.getByLabel("Name of a new class").fill("cross");
    await button(page, "Add the class").click();
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      classCard(page, "cross").getByRole("button", { name: "Add pictures" }).click(),
    ]);
    await chooser.setFiles([join(folder, "none.png"), join(folder, "new.png")]);
    await soon(() => count(page, "cross").textContent()).toBe("1");
    await soon(async () => (await words.allTextContents()).join()).toContain("none.png");
    expect(await button(page, "Learn").isEnabled()).toBe(false);
    const [other] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Open such a file").click()]);
    await other.setFiles(join(folder, "none.png"));
    await soon(async () => (await words.allTextContents()).join()).toContain("not one that Teach wrote");
  });
});
