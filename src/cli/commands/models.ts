// saccade models: which models have a name, what they cost, and whether they are here.
import type { Command } from "commander";
import { type ListedModel, listModels } from "../../model-folder/listing.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { fold } from "../facts.ts";
import { compact, type Terminal, table } from "../terminal.ts";

const INDENT = "    ";

const EXAMPLES = `
Examples:
  $ saccade models
  $ saccade models --json
`;

export function addModels(program: Command, terminal: Terminal): void {
  program
    .command("models")
    .description("list the models that have a name: size, cost, licence, and whether their weights are here")
    .option("--json", "one JSON array")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: { json?: boolean }) => {
      const models = await listModels(nodeHost);
      terminal.out(
        flags.json ? `${JSON.stringify(models.map(toJson), undefined, 2)}\n` : describeModels(models, terminal.columns),
      );
    });
}

function toJson(model: ListedModel) {
  const { macs, macsAt, url, ...rest } = model;
  return { ...rest, macs, macs_at: macsAt, official_weights: url };
}

function describeModels(models: readonly ListedModel[], columns: number): string {
  const rows = models.map((model) => [
    model.name,
    compact(model.parameters),
    (model.macs / 1e9).toFixed(1),
    model.licence ?? "?",
    model.weights,
  ]);
  const lines = table(["name", "parameters", "GMACs", "licence", "weights"], rows, { right: [1, 2] })
    .trimEnd()
    .split("\n");
  const described = lines.flatMap((line, i) => [
    line,
    ...(i === 0 ? [] : fold(summaryOf(models[i - 1]!), columns - INDENT.length).map((text) => INDENT + text)),
  ]);
  return `${described.join("\n")}\n\n${describeSources(models)}`;
}

function summaryOf({ summary, macsAt: { height, width, frames } }: ListedModel): string {
  const clip = frames === undefined ? "" : `${frames} x `;
  return `${summary}; ${clip}${width} x ${height}`;
}

/** Addresses are long: each folder once, its files below. */
function describeSources(models: readonly ListedModel[]): string {
  const folders = new Map<string, Set<string>>();
  for (const { url } of models) {
    if (url === undefined) continue;
    const cut = url.lastIndexOf("/") + 1;
    const files = folders.get(url.slice(0, cut)) ?? new Set();
    folders.set(url.slice(0, cut), files.add(url.slice(cut)));
  }
  const blocks = [...folders].map(
    ([folder, files]) => `  ${folder}\n${[...files].map((file) => `    ${file}`).join("\n")}`,
  );
  return `Official weights, which "saccade pull NAME" downloads:\n${blocks.join("\n")}\n`;
}
