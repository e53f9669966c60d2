// Sessions in Chromium.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { twoOutputModel } from "../../src/platform/node/onnx-fixtures.test-helper.ts";
import { noChromium } from "./chromium.ts";
import type { EngineApi } from "./pages/engine-page.ts";
import { openSite, type Site } from "./site.ts";

describe.skipIf(noChromium)("in an isolated page", () => {
  let site: Site<EngineApi>;
  beforeAll(async () => {
    site = await openSite({ page: "engine-page" });
    site.server.put("/two.onnx", twoOutputModel());
  });
  afterAll(() => site?.close());

  test("a session runs in WebAssembly with threads, under a strict policy, and asks nobody else for anything", async () => {
    const { api, requests, console: lines } = await site.open();
    expect(await api.isolated()).toBe(true);
    const session = await api.open("/two.onnx", { device: "wasm", threads: 2 });
    expect(session).toMatchObject({ device: "wasm", engine: "onnxruntime-web 1.30.0", threads: 2, notices: [] });
    const pair = (...data: number[]) => ({ dtype: "float32", shape: [1, 2], data }) as const;
    expect(await api.run(session.id, { a: pair(2, 3), b: pair(5, 7) })).toEqual({
      sum: pair(7, 10),
      product: pair(10, 21),
    });
    expect(requests.filter((url) => !url.startsWith(site.server.origin))).toEqual([]);
    expect(lines).toEqual([]);
  });
});
