// A page of a test: its module is bundled and served on loopback under a strict policy, opened in Chromium, and its functions are called from the
// test.
//
//   // test/browser/pages/sum-page.ts                       // sum.slow.test.ts
//   const api = { sum: async (a, b) => a + b };             const site = await openSite<SumApi>({ page: "sum-page" });
//   export type SumApi = typeof api;                        const page = await site.open();
//   expose(api);                                            expect(await page.api.sum(1, 2)).toBe(3);
import { resolve } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { bundlePage, scriptOf } from "./bundle.ts";
import { type ChromiumOptions, launchChromium } from "./chromium.ts";
import { type LoopbackServer, type ServerOptions, serveLoopback } from "./server.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Functions of a page. What goes in and out is JSON; bytes are put under an address and fetched there. */
export type PageApi = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A page's functions as the test calls them. */
export type Called<Api extends PageApi> = {
  readonly [Name in keyof Api]: (...args: Parameters<Api[Name]>) => Promise<Awaited<ReturnType<Api[Name]>>>;
};

export interface OpenPage<Api extends PageApi> {
  readonly page: Page;
  readonly api: Called<Api>;
  /** Addresses of everything that the page and its workers asked for. */
  readonly requests: readonly string[];
  /** What came on its console, and errors that nobody caught. */
  readonly console: readonly string[];
}

export interface SiteOptions extends ServerOptions, ChromiumOptions {
  /** Name of a module in test/browser/pages, without ".ts", or a path to one. */
  readonly page: string;
  /** Scripts as they would be published, small and without a map to their sources. Default false. */
  readonly release?: boolean;
  /** What is in the page's body. */
  readonly body?: string;
}

export interface Site<Api extends PageApi> extends AsyncDisposable {
  readonly server: LoopbackServer;
  readonly browser: Browser;
  /**
   * A page with storage of its own.
   *
   * @param query what follows its address: "?threads=2"
   */
  open(options?: BrowserContextOptions, query?: string): Promise<OpenPage<Api>>;
  /** Closes all pages that were opened, so that their sessions end. */
  closePages(): Promise<void>;
  /** Ends server and browser. */
  close(): Promise<void>;
}

/** Serves a page and starts a Chromium. */
export async function openSite<Api extends PageApi>(options: SiteOptions): Promise<Site<Api>> {
  const { page, body = "", folders = {}, release = false, ...rest } = options;
  const module = page.includes("/") ? resolve(page) : resolve(import.meta.dirname, "pages", `${page}.ts`);
  const [bundle, server, browser] = await Promise.all([
    bundlePage(module, release),
    serveLoopback({
      ...rest,
      folders: {
        "/models/": `${ROOT}/models/`,
        "/ort-wasm-": `${ROOT}/node_modules/onnxruntime-web/dist/ort-wasm-`,
        ...folders,
      },
    }),
    launchChromium(rest),
  ]);
  for (const [path, contents] of bundle) server.put(path, contents);
  const script = `<script type="module" src="/${scriptOf(module)}"></script>`;
  server.put(
    "/",
    `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>test</title><body>${body}${script}</body></html>`,
  );
  const close = async () => {
    await browser.close();
    await server.close();
  };
  return {
    server,
    browser,
    open: async (context, query = "") => {
      const made = await browser.newContext(context);
      return openPage<Api>(await made.newPage(), `${server.origin}/${query}`);
    },
    closePages: async () => {
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function openPage<Api extends PageApi>(page: Page, address: string): Promise<OpenPage<Api>> {
  const requests: string[] = [];
  const lines: string[] = [];
  page.context().on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => lines.push(message.text()));
  page.on("pageerror", (error) => lines.push(`uncaught: ${error.message}`));
  await page.goto(address, { timeout: 120_000 }); // machines are busy
  const api = new Proxy({} as Called<Api>, {
    get: (_, name) => (name === "then" ? undefined : (...args: unknown[]) => call(page, String(name), args)),
  });
  return { page, api, requests, console: lines };
}

/** Calls a function that the page exposes. An error of the page is thrown here with its message, code and hint. */
async function call(page: Page, name: string, args: readonly unknown[]): Promise<unknown> {
  const outcome = await page.evaluate(
    ([name, args]) =>
      (
        globalThis as unknown as { saccadeTest: (name: string, args: readonly unknown[]) => Promise<PageOutcome> }
      ).saccadeTest(name, args),
    [name, args] as const,
  );
  if ("value" in outcome) return outcome.value;
  throw Object.assign(new Error(outcome.message), outcome);
}

/** What a page answers to a call. */
export type PageOutcome =
  | { readonly value: unknown }
  | {
      readonly name: string;
      readonly message: string;
      readonly code: string | undefined;
      readonly hint: string | undefined;
      readonly data: Readonly<Record<string, unknown>> | undefined;
    };
