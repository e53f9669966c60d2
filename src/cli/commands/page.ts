// saccade page: the page for people, served to this machine's browsers until the command is stopped.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import { ownPackage } from "../../platform/node/package-files.ts";
import { writePage } from "../../platform/node/page-files.ts";
import { servePage } from "../../platform/node/page-server.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_PORT = 7222;

const EXAMPLES = `
The page recognises pictures and the camera's, shows where it looked, and
compares models. It runs in the browser: nothing leaves this machine, and no
other machine can open it. Ctrl-C stops serving it; once it was opened, it also
works without.

Examples:
  $ saccade page
  $ saccade page --open
  $ saccade page --port 0
  $ saccade page --out public/saccade
`;

export function addPage(program: Command, terminal: Terminal): void {
  program
    .command("page")
    .description("serve the page: drop pictures or open the camera in the browser, and see where it looked")
    .option("--port <number>", `where to serve it; 0 takes any that is free (default ${DEFAULT_PORT})`, parsePort)
    .option("--open", "open it in the browser")
    .option("--out <folder>", "write the page as files for another server, and serve nothing")
    .addHelpText("after", EXAMPLES)
    .action(async ({ port = DEFAULT_PORT, open, out }: { port?: number; open?: boolean; out?: string }) => {
      const folder = fileURLToPath(new URL("dist/page/", ownPackage().root));
      if (out !== undefined) {
        await writePage(folder, out);
        terminal.note(`written: ${out} (serve it isolated, or it has one thread: docs/page.md)`);
        return;
      }
      await using server = await servePage({ folder, port });
      terminal.out(`${server.url}\n`);
      terminal.note("Open this address in a browser on this machine. Ctrl-C stops.");
      if (open === true) openBrowser(server.url, terminal);
      await stopped(terminal.signal);
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new UsageError(`--port is a whole number from 0 to 65535, got "${text}"`, "0 takes any that is free");
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** What opens an address with the program that people chose for it. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

function openBrowser(url: string, terminal: Terminal): void {
  const [program, ...before] = OPENERS[process.platform] ?? ["xdg-open"];
  const child = spawn(program, [...before, url], { stdio: "ignore", detached: true });
  child.on("error", () =>
    terminal.note(`no browser could be opened (${program} is missing): open the address yourself`),
  );
  child.unref();
}
