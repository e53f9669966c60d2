// The camera in the page: a film of one picture in its place, answers and gaze while it runs, a picture kept, a tab that sleeps.
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PageServer } from "../../src/platform/node/page-server.ts";
import { BOATS, temporaryFolder } from "../cli/mini-model.ts";
import { launchChromium, noChromium } from "./chromium.ts";
import { type BuiltPage, buildPage, openPage, writeFilm } from "./served-page.ts";

const folder = temporaryFolder();

describe.skipIf(noChromium)("the camera", () => {
  let built: BuiltPage;
  let server: PageServer;
  let browser: Browser;

  beforeAll(async () => {
    built = await buildPage();
    server = await built.serve();
    const film = await writeFilm(folder, readFileSync(BOATS));
    browser = await launchChromium({
      args: [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        `--use-file-for-fake-video-capture=${film}`,
      ],
    });
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    built?.remove();
  });

  test("is looked at live, sleeps with the tab, gives a picture, and is closed", async () => {
    const { page, faults } = await openPage(browser, server.url);
    await page.getByRole("button", { name: "Open the camera" }).click();
    await page.locator(".answer-best").waitFor();
    expect(await page.locator(".answer-best").textContent()).toBe("ferry");
    // The film stands still: one look, and one after five seconds, whatever the picture does.
    const following = page.getByText(/frames a second, looked at \d+ of \d+/);
    await expect
      .poll(async () => /looked at [1-3] of ([0-9]+)/.exec((await following.textContent()) ?? "")?.[1], {
        timeout: 60_000,
      })
      .toMatch(/^\d{2,}$/);
    await page.getByLabel("Only what changed").uncheck();
    await page.getByText(/looks a second/).waitFor();
    const painted = () =>
      page.locator("canvas.gaze-layer").evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        return data.some((value) => value > 200);
      });
    await expect.poll(painted, { timeout: 120_000 }).toBe(true);
    const session = await page.context().newCDPSession(page);
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    await session.send("Page.setWebLifecycleState", { state: "active" });
    const rate = page.getByText(/looks a second/);
    const before = await rate.textContent();
    await expect.poll(() => rate.textContent(), { timeout: 120_000 }).not.toBe(before);
    await page.getByRole("button", { name: "Keep this picture" }).click();
    await page.getByRole("img", { name: /^photo/ }).waitFor();
    expect(await page.locator("video").count()).toBe(0);
    await page.getByRole("button", { name: "Open the camera" }).click();
    await page.locator("video").waitFor();
    await page.getByRole("button", { name: "Close the camera" }).click();
    await page.getByRole("button", { name: "Open the camera" }).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
