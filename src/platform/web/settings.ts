// Where a page has what comes with the package, if not where its bundler put it. The only setting that is not handed over with a call, because workers and
// models are found before there is one.
import { type EngineFiles, setEngineFiles } from "./engine-files.ts";

export interface WebSettings {
  /** ONNX Runtime's two files, of one build. Default: where the bundler put them. */
  readonly wasm?: EngineFiles;
  /** Folder with the bundled models' folders: `${models}/everyday/config.json`. Default: where the bundler put them. */
  readonly models?: string | URL;
}

let modelsFolder: string | URL | undefined;

/**
 * Says where the package's files are, for pages whose bundler or server puts them elsewhere. Before the first model is loaded.
 *
 * @example configure({ models: "/assets/saccade/models/" });
 */
export function configure({ wasm, models }: WebSettings): void {
  if (wasm !== undefined) setEngineFiles(wasm);
  if (models !== undefined) modelsFolder = models;
}

/** Where bundled models are; undefined: where the bundler put them. */
export const bundledModelsFolder = (): string | URL | undefined => modelsFolder;
