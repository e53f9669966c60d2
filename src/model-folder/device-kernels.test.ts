// What models are compiled to for a device, and when the device is asked for it.
import { expect, test, vi } from "vitest";
import { changedModel } from "../models/registry.ts";
import { nodeHost } from "../platform/node/host.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import { kernelsFor } from "./device-kernels.ts";
import type { LoadedModel } from "./model.ts";

const native = (name: string): LoadedModel => ({
  kind: "native",
  card: { name },
  definition: changedModel(name, {}),
  weights: new Map(),
});

const sparseformer = native("sparseformer_v1_tiny");
const mobilenet = native("mobilenetv3_small_050");

/** A host whose graphics card `open` plays. */
function hostWith(open: (model: Uint8Array) => Promise<Session>) {
  const createSession = vi.fn((model: Uint8Array, _options?: SessionOptions) => open(model));
  return { createSession };
}

const onProcessor = (model: Uint8Array) => nodeHost.createSession(model, { device: "cpu", threads: 1 });

const wrong = async (model: Uint8Array): Promise<Session> => {
  const session = await onProcessor(model);
  const run: Session["run"] = async (feeds, options) => {
    const answers = await session.run(feeds, options);
    for (const { data } of Object.values(answers)) (data as Float32Array).fill(0);
    return answers;
  };
  return { ...session, inputs: session.inputs, outputs: session.outputs, run, dispose: () => session.dispose() };
};

const TRUSTED = { target: "webgpu", gridSample: "kernel", normedSums: true };

test("WebGPU is asked once, by the first model that reads maps", async () => {
  const host = hostWith(onProcessor);
  expect(await kernelsFor(host, mobilenet, { device: "webgpu" })).toEqual({ target: "webgpu" });
  expect(host.createSession).not.toHaveBeenCalled();
  const both = [1, 2].map(() => kernelsFor(host, sparseformer, { device: "webgpu" }));
  expect(await Promise.all(both)).toEqual([TRUSTED, TRUSTED]);
  expect(await kernelsFor(host, sparseformer, { device: "webgpu" })).toEqual(TRUSTED);
  expect(host.createSession).toHaveBeenCalledTimes(1);
  expect(host.createSession.mock.calls[0]![1]).toMatchObject({ device: "webgpu" });
});

test("other devices and ONNX files ask nothing", async () => {
  const host = hostWith(onProcessor);
  expect(await kernelsFor(host, sparseformer, {})).toEqual({ target: "onnxruntime" });
  expect(await kernelsFor(host, sparseformer, { device: "cuda" })).toEqual({ target: "onnxruntime" });
  const file: LoadedModel = { kind: "onnx", card: { name: "file" }, bytes: new Uint8Array() };
  expect(await kernelsFor(host, file, { device: "webgpu" })).toEqual({ target: "webgpu" });
  expect(host.createSession).not.toHaveBeenCalled();
});

test("where its values are wrong, plainer kernels are taken, and that is said", async () => {
  const host = hostWith(wrong);
  const notices: string[] = [];
  const options = { device: "webgpu", onNotice: (line: string) => void notices.push(line) } as const;
  for (let i = 0; i < 2; i++) expect(await kernelsFor(host, sparseformer, options)).toEqual({ target: "webgpu" });
  expect(notices).toEqual([expect.stringContaining("own kernels give wrong values here")]);
});

test("a device that is not there is left to the model's own session, and asked again", async () => {
  const host = hostWith(() => Promise.reject(new Error("no adapter")));
  for (let i = 1; i <= 2; i++) {
    expect(await kernelsFor(host, sparseformer, { device: "webgpu" })).toEqual({ target: "webgpu" });
    expect(host.createSession).toHaveBeenCalledTimes(i);
  }
});
