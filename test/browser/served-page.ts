// The page as it is published, built into a folder of its own and served as `saccade page` serves it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { build } from "vite";
import { nodeHost } from "../../src/platform/node/host.ts";
import { type PageServer, servePage } from "../../src/platform/node/page-server.ts";

const WEB = resolve(import.meta.dirname, "../../web");

export interface BuiltPage {
  /** Where the files are; they may be changed. */
  readonly folder: string;
  serve(): Promise<PageServer>;
  remove(): void;
}

export async function buildPage(): Promise<BuiltPage> {
  const folder = mkdtempSync(join(tmpdir(), "saccade-page-"));
  await build({ configFile: resolve(WEB, "vite.config.ts"), logLevel: "silent", build: { outDir: folder } });
  return {
    folder,
    serve: () => servePage({ folder, port: 0 }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface OpenedPage {
  readonly page: Page;
  /** What nobody should ever see: errors in the console, requests to others. */
  readonly faults: string[];
}

/** A tab of its own, without what others have stored. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  // Machines that build are slow, and a test is not about time.
  page.setDefaultTimeout(300_000);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(?:blob|data):/.test(request.url())) faults.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

/**
 * A film for Chromium's fake camera (YUV4MPEG2), of one picture.
 *
 * @returns the file's path
 */
export async function writeFilm(folder: string, picture: Uint8Array, width = 320, height = 240): Promise<string> {
  const { data, ...size } = await nodeHost.decode(picture);
  const plane = (step: number, value: (r: number, g: number, b: number) => number) => {
    const bytes = Buffer.alloc((width / step) * (height / step));
    for (let y = 0, at = 0; y < height; y += step)
      for (let x = 0; x < width; x += step) {
        const from = 3 * (Math.floor((y * size.height) / height) * size.width + Math.floor((x * size.width) / width));
        bytes[at++] = Math.max(0, Math.min(255, Math.round(value(data[from]!, data[from + 1]!, data[from + 2]!))));
      }
    return bytes;
  };
  // ITU-R BT.601, studio swing.
  const frame = Buffer.concat([
    Buffer.from("FRAME\n"),
    plane(1, (r, g, b) => 16 + 0.257 * r + 0.504 * g + 0.098 * b),
    plane(2, (r, g, b) => 128 - 0.148 * r - 0.291 * g + 0.439 * b),
    plane(2, (r, g, b) => 128 + 0.439 * r - 0.368 * g - 0.071 * b),
  ]);
  const path = join(folder, "film.y4m");
  const header = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`);
  writeFileSync(path, Buffer.concat([header, ...new Array<Buffer>(5).fill(frame)]));
  return path;
}
