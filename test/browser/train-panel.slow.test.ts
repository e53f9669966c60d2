// A person trains in the page on what was taught: begins, pauses, closes the tab in the middle, goes on, takes the model away.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Classifier, encodePng } from "../../src/node.ts";
import { LABELS, shapePicture } from "../train/shapes.ts";
import { openPageSite, type PageSite } from "./built-page.ts";
import { noChromium } from "./chromium.ts";

/** As expect.poll, with the time that a busy machine may take. */
const soon = <T>(look: () => T | Promise<T>) => expect.poll(look, { timeout: 300_000 });

describe.skipIf(noChromium)("training in the page", () => {
  const folder = mkdtempSync(join(tmpdir(), "saccade-train-panel-"));
  const things = join(folder, "things");
  let site: PageSite;

  beforeAll(async () => {
    for (const [label, name] of LABELS.slice(0, 2).entries()) {
      mkdirSync(join(things, name), { recursive: true });
      for (let i = 0; i < 8; i++)
        writeFileSync(join(things, name, `${i}.png`), await encodePng(shapePicture(label, i)));
    }
    writeFileSync(join(folder, "new.png"), await encodePng(shapePicture(1, 500)));
    site = await openPageSite();
  }, 300_000);
  afterEach(() => site.closePages());
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
  const card = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
  const step = async (page: Page) =>
    Number(/Step (\d+)/.exec((await page.getByTestId("standing").textContent()) ?? "")?.[1]);

  test("a run is paused, survives a reload and a closed tab, and its model answers in Node", async () => {
    const page = await site.open("train");
    expect(await button(page, "Train").isEnabled()).toBe(false);
    await page.getByRole("link", { name: "name two classes under Teach" }).click();
    await page.getByLabel("Folders of pictures").setInputFiles(things);
    await soon(() => card(page, "Class cross").locator(".card-header .number").textContent()).toBe("8");
    await page.getByRole("link", { name: "Train", exact: true }).click();
    await page.getByLabel(/^short/).check();
    await button(page, "Train").click();
    await card(page, "Training").waitFor({ timeout: 300_000 });
    await soon(() => page.getByTestId("standing").count()).toBe(1);
    await button(page, "Pause").click();
    await card(page, "Paused").waitFor({ timeout: 300_000 });
    const paused = await step(page);
    expect(paused).toBeGreaterThanOrEqual(1);

    await page.reload();
    await card(page, "Paused").waitFor({ timeout: 300_000 });
    await button(page, "Go on").click();
    await soon(() => step(page)).toBeGreaterThan(paused);
    await page.reload(); // in the middle of a step: nobody is asked
    await card(page, "Paused").waitFor({ timeout: 300_000 });
    await button(page, "Go on").click();
    await card(page, "Done").waitFor({ timeout: 600_000 });
    expect(await card(page, "Done").textContent()).toMatch(/The best so far names \d+ % of the 2 held-back pictures/);
    expect(await card(page, "Done").locator("canvas").count()).toBe(1);

    const [file] = await Promise.all([
      page.waitForEvent("download", { timeout: 300_000 }),
      button(page, "ONNX file").click(),
    ]);
    await using classifier = await Classifier.load(readFileSync((await file.path())!), { device: "cpu", threads: 1 });
    const { predictions } = await classifier.classify(join(folder, "new.png"));
    expect(predictions.map(({ label }) => label).sort()).toEqual([...LABELS.slice(0, 2)].sort());
    await button(page, "Begin anew").click();
    await button(page, "Forget it").click();
    await card(page, "A new run").waitFor({ timeout: 60_000 });
  });

  test("another tab cannot take away what this one trains", async () => {
    const page = await site.open("teach");
    await page.getByLabel("Folders of pictures").setInputFiles(things);
    await soon(() => card(page, "Class cross").locator(".card-header .number").textContent()).toBe("8");
    // Opened before there is a run: it offers a new one.
    const other = await page.context().newPage();
    other.setDefaultTimeout(300_000);
    await other.goto(page.url().replace("teach", "train"));
    await soon(() => button(other, "Train").isEnabled()).toBe(true);
    await page.getByRole("link", { name: "Train", exact: true }).click();
    await page.getByLabel(/^long/).check();
    await button(page, "Train").click();
    await soon(() => page.getByTestId("standing").count()).toBe(1);
    await button(other, "Train").click();
    await soon(() => other.getByRole("alert").textContent()).toContain("Another tab of this page is training.");
    await button(page, "Pause").click();
    await card(page, "Paused").waitFor({ timeout: 300_000 });
    expect(await page.getByRole("alert").count()).toBe(0);
  });
});
