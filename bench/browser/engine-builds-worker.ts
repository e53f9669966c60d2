// Measures one of ONNX Runtime's builds for the web, in a worker as sessions are.
import type * as Ort from "onnxruntime-web";

export interface BuildRun {
  readonly build: "wasm" | "jspi" | "webgpu";
  readonly device: "wasm" | "webgpu";
  readonly threads: number;
  readonly model: string;
  readonly shape: readonly number[];
  readonly outputs: readonly string[];
  readonly warmups: number;
  readonly runs: number;
}

export interface BuildTimes {
  /** Until the engine's code is there, and until the model is loaded; milliseconds. */
  readonly importMs: number;
  readonly loadMs: number;
  readonly firstMs: number;
  readonly runMs: readonly number[];
  readonly logits: readonly number[];
}

const BUILDS: Readonly<Record<BuildRun["build"], () => Promise<typeof Ort>>> = {
  wasm: () => import("onnxruntime-web/wasm"),
  jspi: () => import("onnxruntime-web/jspi"),
  webgpu: () => import("onnxruntime-web/webgpu"),
};

async function measure(run: BuildRun): Promise<BuildTimes> {
  const model = new Uint8Array(await (await fetch(run.model)).arrayBuffer());
  const begin = performance.now();
  const ort = await BUILDS[run.build]();
  const imported = performance.now();
  ort.env.logLevel = "fatal";
  ort.env.wasm.numThreads = run.threads;
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [run.device],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
  });
  const loaded = performance.now();
  const size = run.shape.reduce((product, n) => product * n, 1);
  const image = new ort.Tensor(
    "float32",
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.01)),
    run.shape,
  );
  const once = async () => {
    const start = performance.now();
    const outputs = await session.run({ image }, [...run.outputs]);
    return { ms: performance.now() - start, outputs };
  };
  const first = await once();
  for (let i = 0; i < run.warmups; i++) await once();
  const runMs: number[] = [];
  for (let i = 0; i < run.runs; i++) runMs.push((await once()).ms);
  await session.release();
  return {
    importMs: imported - begin,
    loadMs: loaded - imported,
    firstMs: first.ms,
    runMs,
    logits: [...(first.outputs.logits!.data as Float32Array)],
  };
}

globalThis.onmessage = async ({ data }: MessageEvent<BuildRun>) => {
  try {
    postMessage({ times: await measure(data) });
  } catch (error) {
    postMessage({ failure: String(error) });
  }
};
