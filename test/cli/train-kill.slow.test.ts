// Real processes that are killed: what they leave behind is gone on with, to the numbers of a run that nobody disturbed.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { programCommand } from "../program-command.ts";
import { EVERYTHING, writeShapes } from "../train/shapes.ts";
import { temporaryFolder } from "./mini-model.ts";
import { checkpointSteps, outcomeOf, writeRecipe } from "./train-cases.ts";

const folder = temporaryFolder();
const data = join(folder, "data");
const recipe = join(folder, "tiny.json");
const EPOCHS = 6;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** `saccade train` as a process of its own, and the promise of its end. */
function train(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const [program, ...before] = programCommand();
  const all = [...before, "train", ...args, "--workers", "1", "--threads", "1", "--device", "cpu"];
  const child = spawn(program, all, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr!.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((settle) => {
    child.on("close", (code, signal) => settle({ code, signal, stderr }));
  });
  return { child, ended };
}

const begin = (out: string) => train([data, "--recipe", recipe, "--out", out]);
const goOn = (out: string) => train(["--resume", "--out", out]);

/** Sends the signal at a random moment after a checkpoint of at least one step. */
async function interrupt(run: { child: ChildProcess; ended: Promise<Ended> }, out: string, signal: NodeJS.Signals) {
  while (!checkpointSteps(out).some((step) => step > 0) && run.child.exitCode === null)
    await new Promise((wake) => setTimeout(wake, 20));
  const delay = Math.random() * 400;
  await new Promise((wake) => setTimeout(wake, delay));
  run.child.kill(signal);
  return { ...(await run.ended), delay };
}

let expected: ReturnType<typeof outcomeOf>;

beforeAll(async () => {
  await writeShapes(data, { train: 40, val: 8 });
  writeRecipe(recipe, { ...EVERYTHING, epochs: EPOCHS });
  const out = join(folder, "undisturbed");
  expect(await begin(out).ended).toMatchObject({ code: 0 });
  expected = outcomeOf(out);
}, 900_000);

describe("kill -9", () => {
  test.each([1, 2, 3])("at a random moment, twice (round %d)", async (round) => {
    const out = join(folder, `killed-${round}`);
    const first = await interrupt(begin(out), out, "SIGKILL");
    // A process that was faster than the signal has nothing to be resumed, which is fine too.
    if (first.signal === "SIGKILL") await interrupt(goOn(out), out, "SIGKILL");
    const last = await goOn(out).ended;
    expect(last.code, `killed after ${first.delay} ms: ${last.stderr}`).toBe(0);
    expect(outcomeOf(out), `killed after ${first.delay} ms`).toEqual(expected);
  });
});

test.each(["SIGINT", "SIGTERM"] as const)("%s: a checkpoint, how to go on, exit code 130", async (signal) => {
  const out = join(folder, signal);
  const { code, stderr, delay } = await interrupt(begin(out), out, signal);
  expect(code, stderr).toBe(130);
  expect(stderr).toContain(`saved; go on with: saccade train --resume --out ${out}\nsaccade: stopped\n`);
  expect((await goOn(out).ended).code).toBe(0);
  expect(outcomeOf(out), `interrupted after ${delay} ms`).toEqual(expected);
});
