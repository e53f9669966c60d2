// What is installed of ONNX Runtime's native build, seen from outside of a session's thread: nothing of it is loaded here, nor bundled with whoever asks.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ownPackage } from "./package-files.ts";

const distFolder = () => dirname(createRequire(ownPackage().modules).resolve("onnxruntime-node"));

/** Whether it has its CUDA provider, a separate library that npm does not carry. Throws where the package is not installed. */
export function hasCudaProvider(): boolean {
  const libraries = join(distFolder(), "../bin/napi-v6", process.platform, process.arch);
  const names = ["libonnxruntime_providers_cuda.so", "onnxruntime_providers_cuda.dll"];
  return names.some((name) => existsSync(join(libraries, name)));
}

/** Its version. Throws where the package is not installed. */
export function nativeEngineVersion(): string {
  const { version } = JSON.parse(readFileSync(join(distFolder(), "../package.json"), "utf8")) as { version: string };
  return version;
}
