// Whoever sees little, uses the keyboard alone or has a small screen uses the page too: no serious fault that axe-core knows, nothing that is wider than a phone.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PageServer } from "../../src/platform/node/page-server.ts";
import { BOATS } from "../cli/mini-model.ts";
import { seriousFaults } from "./access.ts";
import { launchChromium, noChromium } from "./chromium.ts";
import { type BuiltPage, buildPage, openPage } from "./served-page.ts";

const PHONE = { width: 360, height: 740 };

describe.skipIf(noChromium)("the page for everybody", () => {
  let built: BuiltPage;
  let server: PageServer;
  let browser: Browser;

  beforeAll(async () => {
    built = await buildPage();
    server = await built.serve();
    browser = await launchChromium();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    built?.remove();
  });

  test.each(["light", "dark"] as const)("no serious fault in %s", async (colorScheme) => {
    const { page } = await openPage(browser, server.url, { colorScheme });
    await page.locator("input[type=file]").first().setInputFiles(BOATS);
    await page.locator(".answer-best").waitFor();
    await page.locator(".dial").first().waitFor();
    const links = await page.locator("nav a").evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).hash));
    expect(links.length).toBeGreaterThanOrEqual(3);
    const faults: string[] = [];
    for (const hash of links) {
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await page.locator("h1").waitFor();
      faults.push(...(await seriousFaults(page)).map((fault) => `${hash} ${fault}`));
    }
    expect(faults).toEqual([]);
    await page.context().close();
  });

  test("a phone is wide enough", async () => {
    const { page } = await openPage(browser, server.url, { viewport: PHONE, hasTouch: true, isMobile: true });
    await page.locator("input[type=file]").first().setInputFiles(BOATS);
    await page.locator(".answer-best").waitFor();
    await page.locator(".dial").first().waitFor();
    const links = await page.locator("nav a").evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).hash));
    for (const hash of links) {
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await page.locator("h1").waitFor();
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect([hash, width]).toEqual([hash, PHONE.width]);
    }
    expect(await seriousFaults(page)).toEqual([]);
    await page.context().close();
  });

  test("the keyboard alone leads everywhere", async () => {
    const { page } = await openPage(browser, server.url);
    await page.getByText("Drop a picture here").waitFor();
    await page.keyboard.press("Tab");
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
    const chooser = page.waitForEvent("filechooser");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await (await chooser).setFiles(BOATS);
    await page.locator(".answer-best").waitFor();
    await page.getByRole("link", { name: "Models" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Models" }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
    await page.context().close();
  });
});
