import { defineConfig } from "vite";

/** WebAssembly has threads in isolated pages alone: the server of the built page sends these two headers as well. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  // Workers as modules, because they fetch parts of the engine when they need them.
  worker: { format: "es" },
  // `vite` alone: served as it is, so that its workers and files are found beside it.
  optimizeDeps: { exclude: ["saccade"] },
  server: { headers },
  preview: { headers },
});
