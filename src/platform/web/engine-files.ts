// Where the engine's two files are. A bundler emits them beside the code that imports them; who serves them from another place says so here, once
// for the page.

/** ONNX Runtime's WebAssembly, and the module that loads it. */
export interface EngineFiles {
  /** Address of `ort-wasm-simd-threaded*.mjs`. Default: the copy that is bundled with the code. */
  readonly mjs?: string | URL;
  /** Address of `ort-wasm-simd-threaded*.wasm`. Its name says the build: with ".jspi" or ".asyncify" it has WebGPU too. */
  readonly wasm: string | URL;
}

let override: EngineFiles | undefined;

/** Sets where the engine's files are, for sessions made from now on; undefined: where the bundler put them. */
export function setEngineFiles(files: EngineFiles | undefined): void {
  override = files;
}

/** The override as a worker gets it: absolute addresses. */
export function engineFiles(): { readonly mjs?: string; readonly wasm: string } | undefined {
  if (override === undefined) return undefined;
  const absolute = (address: string | URL) => new URL(address, globalThis.location?.href).href;
  const { mjs, wasm } = override;
  return { wasm: absolute(wasm), ...(mjs === undefined ? {} : { mjs: absolute(mjs) }) };
}
