// Builds the page into the package (dist/page). Addresses in it are relative, so the folder can be served from anywhere.
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { ownPageFiles } from "./own-page-files.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Threads in WebAssembly need an isolated page. `saccade page` sends the same. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

const SERVICE_WORKER = "service-worker.js";
/** Beside what is bundled: the page itself, and what lies in public/. */
const FIXED_FILES = ["./", "icon.svg", "manifest.webmanifest"];
/** Builds of the engine with WebGPU: fetched, and kept, where there is one. */
const ON_DEMAND = /\.(asyncify|jspi|jsep)[-.]/;
/** Of the bundled models the page opens one (src/state/models.ts); the library knows the others too. */
const OTHER_MODEL = /models\/(?!photographs\/)[\w-]+\/[\w.-]+$/;

/** Tells the service worker which files the page is made of. */
function pageFiles(): Plugin {
  return {
    name: "saccade-page-files",
    generateBundle(_, bundle) {
      const worker = bundle[SERVICE_WORKER];
      if (worker?.type !== "chunk") throw new Error(`the build has no ${SERVICE_WORKER}`);
      const isOtherModel = (name: string) => {
        const file = bundle[name];
        return file?.type === "asset" && file.originalFileNames.some((original) => OTHER_MODEL.test(original));
      };
      const bundled = Object.keys(bundle).filter(
        (name) => name.startsWith("assets/") && !ON_DEMAND.test(name) && !isOtherModel(name),
      );
      const files = [...FIXED_FILES, ...bundled.toSorted()];
      const index = bundle["index.html"];
      const version = createHash("sha256")
        .update(JSON.stringify([files, index?.type === "asset" ? index.source : "", worker.code]))
        .digest("hex")
        .slice(0, 16);
      worker.code = worker.code
        .replaceAll("__PAGE_FILES__", JSON.stringify(files))
        .replaceAll("__PAGE_VERSION__", JSON.stringify(version));
    },
  };
}

const MODEL = /(?:^|\/)(models\/[\w-]+\/[\w.-]+)$/;
/** It comes from the build of a worker, which keeps its name alone. */
const ENGINE = /^assets\/(ort-wasm-[\w.-]+)-[\w-]{8}\.wasm$/;

/** Where the installation has a file already; undefined for what is the page's own. */
function placeElsewhere(name: string, original = ""): string | undefined {
  const [, engine] = ENGINE.exec(name) ?? [];
  return engine === undefined ? MODEL.exec(original.replaceAll("\\", "/"))?.[1] : `onnxruntime-web/dist/${engine}.wasm`;
}

/**
 * Leaves out of the package what the package has in another place: the engine's WebAssembly (58 MB) and the bundled model. `outside.json` says where the
 * server finds them.
 */
function leftOutside(): Plugin {
  return {
    name: "saccade-left-outside",
    writeBundle({ dir }, bundle) {
      const outside: Record<string, string> = {};
      for (const [name, file] of Object.entries(bundle)) {
        const place = placeElsewhere(name, file.type === "asset" ? file.originalFileNames[0] : undefined);
        if (place === undefined || dir === undefined) continue;
        outside[name] = place;
        rmSync(join(dir, name));
      }
      if (dir !== undefined) writeFileSync(join(dir, "outside.json"), `${JSON.stringify(outside, undefined, 2)}\n`);
    },
  };
}

export default defineConfig({
  root: here("."),
  base: "./",
  resolve: { alias: { "saccade/web": here("../src/web.ts") } },
  build: {
    outDir: here("../dist/page"),
    emptyOutDir: true,
    target: "es2022",
    // A strict content security policy has no inline anything.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: { index: here("index.html"), "service-worker": here("service-worker/service-worker.ts") },
      // Browsers look for a new service worker at the address of the old one.
      output: {
        entryFileNames: ({ name }) => (name === "service-worker" ? SERVICE_WORKER : "assets/[name]-[hash].js"),
      },
    },
  },
  plugins: [pageFiles(), ownPageFiles(), leftOutside()],
  worker: { format: "es" },
  server: { host: "127.0.0.1", headers: ISOLATION, fs: { allow: [here("..")] } },
  clearScreen: false,
});
