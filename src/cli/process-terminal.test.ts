// The real process: its signals and its streams.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const url = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
const PRELUDE = `
  const { processTerminal } = await import(${url("./process-terminal.ts")});
  const terminal = processTerminal();
`;

function start(script: string, stdout: number | "pipe" = "pipe"): ChildProcess {
  const args = ["--import", "tsx", "--input-type=module", "--eval", `${PRELUDE}\n${script}`];
  return spawn(process.execPath, args, { cwd: resolve(import.meta.dirname, "../.."), stdio: ["pipe", stdout, "pipe"] });
}

/** Resolves when the process has said `word` on stderr. */
async function said(child: ChildProcess, word: string): Promise<void> {
  for await (const chunk of child.stderr!.iterator({ destroyOnReturn: false }))
    if (String(chunk).includes(word)) return;
}

test.skipIf(process.platform === "win32")("a second signal ends the process while the engine computes", async () => {
  const child = start(`
    const { createNodeSession } = await import(${url("../platform/node/session.ts")});
    const { slowModel } = await import(${url("../platform/node/onnx-fixtures.test-helper.ts")});
    const session = await createNodeSession(slowModel(2000), { device: "cpu", threads: 1 });
    const x = { dtype: "float32", shape: [2000, 2000], data: new Float32Array(4e6) };
    terminal.note("running");
    await session.run({ x }, { signal: terminal.signal }).catch(() => undefined);
    await session.dispose();
  `);
  await said(child, "running");
  child.kill("SIGHUP");
  await said(child, "stopping; once more ends at once");
  child.kill("SIGHUP"); // asks for nothing more
  setTimeout(() => child.kill("SIGTERM"), 300);
  expect(await once(child, "close")).toEqual([null, "SIGTERM"]);
});

test.skipIf(process.platform === "win32")("the first signal ends the wait for standard input", async () => {
  const child = start(`
    terminal.note("waiting");
    await terminal.readInput().catch((error) => terminal.note(error.code));
    process.exitCode = await terminal.finish(130);
  `);
  await said(child, "waiting");
  child.kill("SIGINT");
  await said(child, "aborted");
  expect(await once(child, "close")).toEqual([130, null]);
});

test.skipIf(process.platform !== "linux")("a full disk behind standard output is an error of one line", async () => {
  const full = openSync("/dev/full", "w");
  const child = start("terminal.out('answer\\n'); process.exitCode = await terminal.finish(0);", full);
  closeSync(full);
  let notes = "";
  child.stderr!.on("data", (chunk) => {
    notes += chunk;
  });
  expect(await once(child, "close")).toEqual([1, null]);
  expect(notes).toBe("saccade: cannot write to standard output: no space left on device\n");
});

test.skipIf(process.platform === "win32")("a reader that has gone is noticed, and is no failure", async () => {
  const child = start(`
    for await (const _ of process.stdin) ;
    while (!terminal.outputClosed) {
      terminal.out("answer\\n");
      await new Promise(setImmediate);
    }
    terminal.out("dropped\\n");
    process.exitCode = await terminal.finish(0);
  `);
  child.stdout!.destroy();
  child.stdin!.end();
  expect(await once(child, "close")).toEqual([0, null]);
});
