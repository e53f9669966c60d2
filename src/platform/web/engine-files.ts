// Where the engine's two files are. A bundler emits them beside the code that imports them; who serves them from another place says so here, once
// for the page.

/** ONNX Runtime's WebAssembly, and the module that loads it. */
export interface EngineFiles {
  /** Address of `ort-wasm-simd-threaded*.mjs`. Default: the copy that is bundled with the code. */
  readonly mjs?: string | URL;
  /**
   * Address of `ort-wasm-simd-threaded*.wasm`. Its name says which build it is: with "jspi" or "asyncify" in it, it has WebGPU too; without, the
   * processor alone.
   */
  readonly wasm: string | URL;
}

/** The same as absolute addresses, as a worker gets it. */
export interface EngineAddresses {
  readonly mjs?: string;
  readonly wasm: string;
}

let override: EngineAddresses | undefined;

/** Sets where the engine's files are, for sessions made from now on; undefined: where the bundler put them. */
export function setEngineFiles(files: EngineFiles | undefined): void {
  if (files === undefined) {
    override = undefined;
    return;
  }
  const absolute = (address: string | URL) => new URL(address, globalThis.location?.href).href;
  const { mjs, wasm } = files;
  override = { wasm: absolute(wasm), ...(mjs === undefined ? {} : { mjs: absolute(mjs) }) };
}

export function engineFiles(): EngineAddresses | undefined {
  return override;
}
