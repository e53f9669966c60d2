import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engineStackMegabytes, turnOffTelemetry } from "./engine-surroundings.ts";

let home = "";
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "saccade-surroundings-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("the stack grows with the command line, and ordinary command lines have the ordinary stack", () => {
  expect(engineStackMegabytes(100)).toBeUndefined();
  expect(engineStackMegabytes(14_000)).toBeGreaterThan(4 + (14_000 * 288) / 2 ** 20);
  expect(engineStackMegabytes(2 ** 21)).toBe(644);
});

test("telemetry is turned off, unless somebody has said what it is to be", () => {
  const [silent, asked]: NodeJS.ProcessEnv[] = [{}, { ORT_DISABLE_TELEMETRY: "0" }];
  for (const environment of [silent!, asked!]) turnOffTelemetry(environment);
  expect([silent, asked]).toEqual([{ ORT_DISABLE_TELEMETRY: "1" }, { ORT_DISABLE_TELEMETRY: "0" }]);
});

describe("a process with 120 kB of arguments", () => {
  const url = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const arguments_ = Array.from({ length: 1200 }, (_, i) => String(i).padStart(99, "0"));

  async function openSession(script: string, environment: NodeJS.ProcessEnv): Promise<string> {
    const prelude = `
      const { createNodeSession } = await import(${url("./session.ts")});
      const { identityModel } = await import(${url("./onnx-fixtures.test-helper.ts")});
      const open = async () => {
        const session = await createNodeSession(identityModel("float32", [1]), { device: "cpu" });
        await session.dispose();
        console.log(session.device);
      };`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "--eval", `${prelude}\n${script}`, ...arguments_],
      { env: { ...process.env, HOME: home, XDG_CACHE_HOME: "", ORT_DISABLE_TELEMETRY: undefined, ...environment } },
    );
    return stdout;
  }

  test("runs the engine, which leaves nothing in the user's cache", async () => {
    expect(await openSession("await open()", {})).toBe("cpu\n");
    expect(readdirSync(home)).toEqual([]);
  });

  test("runs the engine where its telemetry is wanted", async () => {
    expect(await openSession("await open()", { ORT_DISABLE_TELEMETRY: "0" })).toBe("cpu\n");
  });
});
