// The published page in a Chromium of its own, for tests that open it several times.
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { type ChromiumOptions, launchChromium } from "./chromium.ts";
import { buildPage } from "./served-page.ts";

export interface PageSite extends AsyncDisposable {
  readonly browser: Browser;
  /** A page with storage of its own, at a panel. */
  open(panel: string, options?: BrowserContextOptions): Promise<Page>;
  /** Closes all pages that were opened: one that goes on computing takes the processor from the next test's. */
  closePages(): Promise<void>;
}

/** Builds and serves the page, and starts a browser. */
export async function openPageSite(options: ChromiumOptions = {}): Promise<PageSite> {
  const [built, browser] = await Promise.all([buildPage(), launchChromium(options)]);
  const server = await built.serve();
  return {
    browser,
    async open(panel, context) {
      const page = await (await browser.newContext(context)).newPage();
      // Machines that build are slow, and a test is not about time.
      page.setDefaultTimeout(300_000);
      await page.goto(`${server.url}#/${panel}`);
      return page;
    },
    async closePages() {
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server[Symbol.asyncDispose]();
      built.remove();
    },
  };
}
