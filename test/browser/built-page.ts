// The page itself, as its build makes it, in Chromium.
import { resolve } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { build } from "vite";
import { type ChromiumOptions, launchChromium } from "./chromium.ts";
import { type LoopbackServer, serveLoopback } from "./server.ts";

const WEB = resolve(import.meta.dirname, "../../web");

let built: Promise<ReadonlyMap<string, string | Uint8Array>> | undefined;

/** Files of the page by the path under which they are served. Built once. */
export function builtPage(): Promise<ReadonlyMap<string, string | Uint8Array>> {
  built ??= buildPage();
  return built;
}

async function buildPage(): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const result = await build({
    configFile: resolve(WEB, "vite.config.ts"),
    logLevel: "silent",
    build: { write: false },
  });
  if (!("output" in result)) throw new Error("the page's build gives no single output");
  return new Map(
    result.output.map((file) => [`/${file.fileName}`, file.type === "chunk" ? file.code : file.source] as const),
  );
}

export interface PageSite extends AsyncDisposable {
  readonly server: LoopbackServer;
  readonly browser: Browser;
  /** A page with storage of its own, at a panel. */
  open(panel: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Serves the page, isolated, under its policy. */
export async function openPageSite(options: ChromiumOptions = {}): Promise<PageSite> {
  const [files, server, browser] = await Promise.all([
    builtPage(),
    serveLoopback({ isolated: true }),
    launchChromium(options),
  ]);
  for (const [path, contents] of files) server.put(path, contents);
  server.put("/", files.get("/index.html")!);
  return {
    server,
    browser,
    async open(panel, context) {
      const page = await (await browser.newContext(context)).newPage();
      await page.goto(`${server.origin}/#/${panel}`);
      return page;
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server.close();
    },
  };
}
