// Builds the page into the package (dist/page). Addresses in it are relative, so the folder can be served from anywhere.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Threads in WebAssembly need an isolated page. `saccade page` sends the same. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

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
  },
  worker: { format: "es" },
  server: { host: "127.0.0.1", headers: ISOLATION, fs: { allow: [here("..")] } },
  clearScreen: false,
});
