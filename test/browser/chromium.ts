// Debian's Chromium, driven by playwright-core. Nothing is downloaded: where there is no Chromium, tests that need it are skipped and say so.
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATHS = [process.env.SACCADE_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const EXECUTABLE = PATHS.find((path): path is string => path !== undefined && existsSync(path));

/** For `describe.skipIf`. */
export const noChromium = EXECUTABLE === undefined;
if (noChromium) console.warn("skipped: there is no Chromium here (Debian: apt install chromium)");

export interface ChromiumOptions {
  /** WebGPU with the software adapter. Default false: there is no adapter. */
  readonly webgpu?: boolean;
  readonly args?: readonly string[];
}

/** A Chromium of its own; whoever launches it closes it. */
export function launchChromium({ webgpu = false, args = [] }: ChromiumOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE!,
    args: ["--no-sandbox", ...(webgpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : []), ...args],
  });
}
