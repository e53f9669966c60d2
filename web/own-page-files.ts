// Tells the page which of its own files a page of one model is made of: what Teach and Train save as "a page of its own".
import type { Plugin } from "vite";

/** Beside what is bundled: what lies in public/. */
const FIXED_FILES = ["icon.svg"];
/** The bundled model, in whose place the own one comes; engines with WebGPU, which small models do not need; and the service worker. */
const LEFT_OUT = /\.safetensors$|\.(asyncify|jspi|jsep)[-.]|^service-worker\.js$|\.map$|^index\.html$/;

export function ownPageFiles(): Plugin {
  return {
    name: "saccade-own-page-files",
    generateBundle(_, bundle) {
      const files = [...FIXED_FILES, ...Object.keys(bundle).filter((name) => !LEFT_OUT.test(name))].toSorted();
      this.emitFile({ type: "asset", fileName: "own-page-files.json", source: JSON.stringify(files) });
    },
  };
}
