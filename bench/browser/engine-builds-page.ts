// Builds of ONNX Runtime for the web, each in a worker of its own.
import { expose } from "../../test/browser/pages/expose.ts";
import type { BuildRun, BuildTimes } from "./engine-builds-worker.ts";

const api = {
  measure: (run: BuildRun): Promise<BuildTimes> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./engine-builds-worker.js", import.meta.url), { type: "module" });
      const end = () => worker.terminate();
      worker.onmessage = ({ data }: MessageEvent<{ times?: BuildTimes; failure?: string }>) => {
        end();
        if (data.times === undefined) reject(new Error(data.failure));
        else resolve(data.times);
      };
      worker.onerror = (event) => {
        end();
        reject(new Error(event.message));
      };
      worker.postMessage(run);
    }),
  adapter: async () => {
    const gpu = (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu;
    const adapter = (await gpu?.requestAdapter()) as
      | { info: Record<string, unknown>; isFallbackAdapter?: boolean; features: Set<string> }
      | null
      | undefined;
    if (!adapter) return { gpu: gpu !== undefined, adapter: false };
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
    return {
      vendor,
      architecture,
      device,
      description,
      isFallbackAdapter,
      old: adapter.isFallbackAdapter,
      features: [...adapter.features],
    };
  },
  suspending: () => "Suspending" in WebAssembly,
};

export type BuildsApi = typeof api;
expose(api);
