// One of ONNX Runtime's builds for the web with one model, in a worker as sessions are: it opens once and runs whenever it is told.
import type * as Ort from "onnxruntime-web";

export interface BuildSetup {
  readonly build: "wasm" | "jspi" | "asyncify";
  readonly device: "wasm" | "webgpu";
  readonly threads: number;
  readonly model: string;
  readonly shape: readonly number[];
}

/** Milliseconds. */
export interface OpenTimes {
  readonly loadMs: number;
  readonly firstMs: number;
  readonly logits: readonly number[];
}

const BUILDS: Readonly<Record<BuildSetup["build"], () => Promise<typeof Ort>>> = {
  wasm: () => import("onnxruntime-web/wasm"),
  jspi: () => import("onnxruntime-web/jspi"),
  asyncify: () => import("onnxruntime-web/webgpu"),
};

let once: () => Promise<{ readonly ms: number; readonly logits: readonly number[] }>;

async function open(setup: BuildSetup): Promise<OpenTimes> {
  const model = new Uint8Array(await (await fetch(setup.model)).arrayBuffer());
  const begin = performance.now();
  const ort = await BUILDS[setup.build]();
  ort.env.logLevel = "fatal";
  ort.env.wasm.numThreads = setup.threads;
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [setup.device],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    logSeverityLevel: 4,
  });
  const loadMs = performance.now() - begin;
  const size = setup.shape.reduce((product, n) => product * n, 1);
  const pixels = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.01));
  const image = new ort.Tensor("float32", pixels, setup.shape);
  once = async () => {
    const start = performance.now();
    const { logits } = await session.run({ image }, ["logits"]);
    return { ms: performance.now() - start, logits: [...(logits!.data as Float32Array)] };
  };
  const { ms, logits } = await once();
  return { loadMs, firstMs: ms, logits };
}

globalThis.onmessage = async ({ data }: MessageEvent<BuildSetup | "run">) => {
  try {
    postMessage({ answer: data === "run" ? (await once()).ms : await open(data) });
  } catch (error) {
    postMessage({ failure: String(error) });
  }
};
