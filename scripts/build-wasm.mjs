// Compiles wasm/resample.ts to src/image/resample-wasm.ts, which is checked in: run it after changing the former. The compiler is fetched for
// the occasion, because with 100 MB it is too large to be everybody's development dependency.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMPILER = "assemblyscript@0.28.20";
const root = fileURLToPath(new URL("..", import.meta.url));
const source = "wasm/resample.ts";
const scratch = mkdtempSync(join(tmpdir(), "saccade-wasm-"));
try {
  const out = join(scratch, "resample.wasm");
  const options = ["-O3", "--runtime", "stub", "--noAssert", "--enable", "simd", "--disable", "bulk-memory", "-o", out];
  execFileSync("npx", ["--yes", "--package", COMPILER, "asc", source, ...options], { cwd: root, stdio: "inherit" });
  const bytes = [...readFileSync(out)];
  const lines = [];
  for (let i = 0; i < bytes.length; i += 32) lines.push(`  ${bytes.slice(i, i + 32).join(", ")},`);
  const sha256 = createHash("sha256")
    .update(readFileSync(join(root, source)))
    .digest("hex");
  writeFileSync(
    join(root, "src/image/resample-wasm.ts"),
    `// Made by scripts/build-wasm.mjs with ${COMPILER}: do not edit.\n\n` +
      `/** SHA-256 of ${source}, from which this was compiled. */\n` +
      `export const RESAMPLE_SOURCE_SHA256 = "${sha256}";\n\n` +
      `export const RESAMPLE_WASM = Uint8Array.of(\n${lines.join("\n")}\n);\n`,
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
