// What every registered model costs, for `saccade models`, which would have to build each model's graph to count it.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/**
 * The table as text, made by the sources (src/model-folder/cost-table.ts).
 *
 * @param digest of the sources
 */
export async function costTable(digest) {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL("..", import.meta.url)),
    entryPoints: ["src/model-folder/cost-table.ts"],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "es2022",
    logLevel: "warning",
  });
  const code = Buffer.from(outputFiles[0].contents).toString("base64");
  const { countRegistered, printCostTable } = await import(`data:text/javascript;base64,${code}`);
  return printCostTable(countRegistered(), digest);
}
