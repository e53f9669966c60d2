// Copies what the page needs of the package into public/saccade: the library in one piece with its workers, the bundled model, and ONNX Runtime's
// WebAssembly, of which a browser fetches one.
import { cpSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folderOf = (file) => dirname(fileURLToPath(import.meta.resolve(file)));
const saccade = folderOf("saccade/package.json");
const engine = folderOf("onnxruntime-web/wasm");
const target = join(import.meta.dirname, "public/saccade");

rmSync(target, { recursive: true, force: true });
cpSync(join(saccade, "dist/standalone"), target, { recursive: true });
cpSync(join(saccade, "models"), join(target, "models"), { recursive: true });
for (const build of ["", ".jspi", ".asyncify"]) {
  const name = `ort-wasm-simd-threaded${build}.wasm`;
  cpSync(join(engine, name), join(target, name));
}
