// The package as it is published, in pages made without a bundler and by Vite, webpack and Next.js: each names what is in a picture and shows where it
// looked, under a strict policy, and asks nobody but its own server for anything.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import type { InlineConfig, ViteDevServer } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Classifier } from "../../src/node.ts";
import { countThreads } from "../../src/platform/web/threads.ts";
import { PASTORAL, temporaryFolder } from "../cli/mini-model.ts";
import { packBuiltPackage } from "../docs/packed-package.ts";
import { launchChromium, noChromium } from "./chromium.ts";
import { buildExample, EXAMPLES, type Example, installExamples, ROOT, scriptsIn } from "./example-projects.ts";
import { type LoopbackServer, STRICT_POLICY, serveLoopback } from "./server.ts";

const SCRIPTS = "script-src 'self' 'wasm-unsafe-eval'";

/** What Node's names for the picture are. */
async function nodesLabels(): Promise<string[]> {
  await using classifier = await Classifier.load("saccade/photographs", { device: "wasm", threads: 1 });
  const { predictions } = await classifier.classify(PASTORAL, { decode: "exact" });
  return predictions.map(({ label }) => label!);
}

interface Seen {
  readonly labels: readonly string[];
  readonly notice: string | null;
  readonly cores: number;
  /** Size of the picture with the gaze. */
  readonly gaze: readonly number[];
  readonly requests: readonly string[];
  readonly console: readonly string[];
}

/** Uses an example's page as a person does. */
async function look(browser: Browser, address: string): Promise<Seen> {
  const page: Page = await browser.newPage();
  const requests: string[] = [];
  const lines: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => lines.push(message.text()));
  page.on("pageerror", (error) => lines.push(`uncaught: ${error.message}`));
  try {
    await page.goto(address, { waitUntil: "networkidle" });
    await page.setInputFiles("input[type=file]", PASTORAL);
    const gaze = page.getByRole("img", { name: "Where the model looked" });
    await gaze.waitFor({ timeout: 300_000 }).catch(async () => {
      throw new Error(`no answer: ${await page.textContent("body")}\n${lines.join("\n")}`);
    });
    return {
      labels: (await page.getByRole("listitem").allTextContents()).map((text) => text.replace(/ \d+ %$/, "")),
      notice: await page.getByRole("status").textContent(),
      gaze: await gaze.evaluate(async (image: HTMLImageElement) => {
        await image.decode();
        return [image.naturalWidth, image.naturalHeight];
      }),
      cores: await page.evaluate(() => navigator.hardwareConcurrency),
      requests,
      console: lines,
    };
  } finally {
    await page.close();
  }
}

function expectAnswer(seen: Seen, origin: string, labels: readonly string[]): void {
  expect(seen.labels).toEqual(labels);
  expect(seen.gaze[0]).toBeGreaterThan(200);
  // Isolated, so the engine has as many threads as there are cores: the worker that it starts itself is found too.
  const threads = countThreads(Math.min(seen.cores, 4));
  expect(seen.notice).toContain(`using WebAssembly with ${threads}, not WebGPU`);
  expect(seen.requests.filter((url) => !url.replace(/^blob:/, "").startsWith(origin))).toEqual([]);
}

describe.skipIf(noChromium)("the published package", () => {
  const folder = noChromium ? "" : temporaryFolder();
  const projects = join(folder, "examples");
  const servers: LoopbackServer[] = [];
  let tarball: string;
  let browser: Browser;
  let labels: readonly string[];

  beforeAll(async () => {
    tarball = await packBuiltPackage(folder);
    await installExamples(tarball, projects);
    browser = await launchChromium();
    labels = await nodesLabels();
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await Promise.all(servers.map((server) => server.close()));
  });

  /** Serves a built example as its README says. */
  async function serve(built: string): Promise<{ readonly server: LoopbackServer; readonly scripts: string }> {
    const html = readFileSync(join(built, "index.html"), "utf8");
    const own = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1];
    const scripts = own ?? SCRIPTS;
    const server = await serveLoopback({
      policy: STRICT_POLICY.replace(SCRIPTS, scripts),
      folders: { "/": `${built}/` },
    });
    server.put("/", html);
    servers.push(server);
    return { server, scripts };
  }

  test.each(EXAMPLES)("%s: built and opened, it answers as Node does", async (example: Example) => {
    const built = await buildExample(projects, example);
    const { server, scripts } = await serve(built);
    const seen = await look(browser, `${server.origin}/`);
    expectAnswer(seen, server.origin, labels);
    expect(seen.console).toEqual([]);
    // Next.js alone has inline scripts; these are allowed one by one.
    expect(scripts.replaceAll(/ 'sha256-[\w+/=]+'/g, "")).toBe(SCRIPTS);
    expect(scripts.includes("sha256-")).toBe(example === "next");

    // Node's parts are in no bundle. ONNX Runtime's own code asks for Node's modules where there is no browser, and only there.
    for (const [path, script] of scriptsIn(built)) {
      expect(script, path).not.toMatch(/onnxruntime-node|require\(["'`]sharp["'`]\)|from ?["'`]sharp["'`]/);
      if (!script.includes("ort-wasm")) expect(script, path).not.toMatch(/["'`]node:/);
    }
  });

  test("Vite's server for development answers too", async () => {
    // The project's own Vite.
    const { createServer } = (await import(join(projects, "node_modules/vite/dist/node/index.js"))) as {
      createServer: (config: InlineConfig) => Promise<ViteDevServer>;
    };
    const server = await createServer({
      root: join(projects, "vite"),
      logLevel: "silent",
      server: { host: "127.0.0.1", port: 0 },
    });
    try {
      await server.listen();
      const { port } = server.httpServer!.address() as AddressInfo;
      const origin = `http://127.0.0.1:${port}`;
      expectAnswer(await look(browser, `${origin}/`), origin, labels);
    } finally {
      await server.close();
    }
  });

  /** A program in a project that has the package, as esbuild bundles it for pages. */
  async function bundle(program: string): Promise<{ readonly text: string; readonly inputs: readonly string[] }> {
    const { outputFiles, metafile } = await build({
      stdin: { contents: program, resolveDir: join(projects, "vite") },
      bundle: true,
      format: "esm",
      platform: "browser",
      minify: true,
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    return {
      text: outputFiles[0]!.text.trim(),
      inputs: Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)),
    };
  }

  test("`saccade` itself is the entry for pages in their bundles, and what is not used is left out", async () => {
    const whole = await bundle(`export { Classifier } from "saccade";`);
    expect(whole.inputs.some((path) => path.endsWith("saccade/dist/in-page/classify.js"))).toBe(true);
    expect(whole.inputs.filter((path) => /platform\/node|node_modules\/(sharp|onnxruntime-node)\//.test(path))).toEqual(
      [],
    );
    expect(whole.inputs.filter((path) => /dist\/(train|in-page\/train|learn)\b/.test(path))).toEqual([]);
    expect((await bundle(`import "saccade/web";`)).text).toBe("");
  });

  test("its code comes with source maps that hold the sources", () => {
    const dist = join(projects, "node_modules/saccade/dist");
    for (const name of ["web", "in-page/classify", "platform/web/session-worker"]) {
      expect(readFileSync(join(dist, `${name}.js`), "utf8")).toContain(`//# sourceMappingURL=`);
      const { sourcesContent } = JSON.parse(readFileSync(join(dist, `${name}.js.map`), "utf8"));
      expect(sourcesContent).toEqual([readFileSync(join(ROOT, "src", `${name}.ts`), "utf8")]);
    }
  });

  test("its declarations fit a program in TypeScript, checked wholly", async () => {
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const said = await promisify(execFile)(process.execPath, [tsc, "-p", join(projects, "vite")]).catch(
      (error: { readonly stdout: string }) => error,
    );
    expect(said.stdout).toBe("");
  });

  test("its types are found and fit, under each way to resolve modules that knows `exports`", async () => {
    const bytes = readFileSync(tarball);
    const result = await checkPackage(createPackageFromTarballData(bytes));
    if (!result.types) throw new Error("the package has no types");
    // The package is of ES modules alone: `require` of one is for newer Nodes, and "node10" knows no `exports`.
    const known = new Set(["node10", "node16-cjs"]);
    const problems = result.problems.filter(
      (problem) => !("resolutionKind" in problem && known.has(problem.resolutionKind)),
    );
    expect(problems).toEqual([]);
  });

  test("publint finds nothing", async () => {
    const bytes = readFileSync(tarball);
    const { messages, pkg } = await publint({
      pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg!))).toEqual([]);
  });
});
