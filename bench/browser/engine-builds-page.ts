// Builds of ONNX Runtime for the web, each in a worker of its own.
import { expose } from "../../test/browser/pages/expose.ts";
import type { BuildSetup, OpenTimes } from "./engine-builds-worker.ts";

const workers: Worker[] = [];

function ask(worker: Worker, message: BuildSetup | "run"): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<{ answer?: unknown; failure?: string }>) => {
      if (data.failure === undefined) resolve(data.answer);
      else reject(new Error(data.failure));
    };
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(message);
  });
}

const api = {
  async open(setup: BuildSetup): Promise<OpenTimes & { readonly id: number }> {
    const worker = new Worker(new URL("./engine-builds-worker.js", import.meta.url), { type: "module" });
    const times = (await ask(worker, setup)) as OpenTimes;
    return { ...times, id: workers.push(worker) - 1 };
  },
  run: (id: number) => ask(workers[id]!, "run") as Promise<number>,
};

export type BuildsApi = typeof api;
expose(api);
