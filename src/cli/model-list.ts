// The list of models that have a name, for people and as JSON: a paragraph each, under the name of its family.
import type { ListedModel } from "../model-folder/listing.ts";
import type { InputExtent, TextExtent, TotalCost } from "../models/cost.ts";
import { fold } from "./facts.ts";
import { compact, table } from "./terminal.ts";

const INDENT = "    ";
const LICENCE_WIDTH = 10;
/** Beside fewer columns for names, numbers stand below them. */
const LEAST_NAME = 16;

export interface CountedModel {
  readonly model: ListedModel;
  readonly extent: InputExtent | TextExtent;
  /** undefined: the model does not take this size. */
  readonly cost: TotalCost | undefined;
}

export function listedToJson(counted: CountedModel) {
  const { model, extent, cost } = counted;
  const { name, summary, architecture, paper, input, answers, licence, path, url } = model;
  return {
    name,
    summary,
    architecture,
    paper,
    input,
    answers,
    licence,
    weights: weightsText(counted),
    path,
    ...(cost === undefined ? {} : costToJson(cost)),
    macs_at: extentToJson(extent),
    official_weights: url,
  };
}

export function costToJson({ parameters, macs, macsAtLeast, decisions, activations }: TotalCost) {
  return {
    parameters,
    macs,
    ...(decisions === 0 ? {} : { macs_at_least: macsAtLeast, decisions }),
    activation_bytes: { peak: activations.peakBytes, total: activations.totalBytes },
  };
}

export function extentToJson(extent: InputExtent | TextExtent) {
  if ("tokens" in extent) return extent;
  const { height, width, frames, batch } = extent;
  return { height, width, ...(frames === undefined ? {} : { frames }), batch };
}

export function describeModels(models: readonly CountedModel[], columns: number): string {
  const facts = table(["params", "GMACs", "MB", "licence", "weights"], models.map(factsOf), { right: [0, 1, 2] })
    .trimEnd()
    .split("\n");
  const room = columns - Math.max(...facts.map((line) => line.length)) - 2;
  const width = Math.min(room, Math.max(...models.map(({ model }) => model.name.length)));
  const beside = (name: string, line: string) =>
    name.length > width
      ? [name, `${" ".repeat(Math.max(INDENT.length, width + 2))}${line}`]
      : [`${name.padEnd(width)}  ${line}`];
  const lines = models.flatMap((one, i) => [
    ...(one.model.architecture === models[i - 1]?.model.architecture
      ? []
      : ["", ...fold(familyText(one.model), columns)]),
    ...(width < LEAST_NAME ? [one.model.name, `${INDENT}${facts[i + 1]}`] : beside(one.model.name, facts[i + 1]!)),
    ...fold(summaryOf(one), columns - INDENT.length).map((text) => INDENT + text),
  ]);
  const header = width < LEAST_NAME ? ["name", `${INDENT}${facts[0]}`] : beside("name", facts[0]!);
  return `${[...header, ...lines].join("\n")}\n\nOfficial weights: saccade pull NAME. Where they are from: saccade models NAME.\n`;
}

/** Where the weights are; "built in" where nothing is learned, so that they follow from the configuration. */
function weightsText({ model, cost }: CountedModel): ListedModel["weights"] | "built in" {
  return cost?.parameters === 0 && model.weights === "not here" ? "built in" : model.weights;
}

function factsOf(counted: CountedModel): string[] {
  const { model, cost } = counted;
  const numbers =
    cost === undefined
      ? ["-", "-", "-"]
      : [compact(cost.parameters), gigas(cost.macs), megabytes(cost.activations.peakBytes)];
  return [...numbers, licenceText(model.licence), weightsText(counted)];
}

/** A family's heading: its architecture's name, which --family takes, and its paper. */
function familyText({ architecture, paper }: ListedModel): string {
  return `-- ${architecture}: ${paper}`;
}

function summaryOf({ model, extent, cost }: CountedModel): string {
  return `${model.summary}; ${cost === undefined ? "does not take " : ""}${extentText(extent)}`;
}

/** "224 x 224", "8 x 224 x 224" for clips, "77 tokens" for texts. */
export function extentText(extent: InputExtent | TextExtent): string {
  if ("tokens" in extent) return `${extent.tokens} tokens`;
  const { height, width, frames } = extent;
  return `${frames === undefined ? "" : `${frames} x `}${width} x ${height}`;
}

/** A licence's name; some are sentences, which stand in full with the model itself. */
function licenceText(licence = "?"): string {
  return licence.length > LICENCE_WIDTH ? `${licence.slice(0, LICENCE_WIDTH - 1)}…` : licence;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 99.5e6 ? 1 : 0);
}

function gigas(macs: number): string {
  return (macs / 1e9).toFixed(macs < 0.95e9 ? 2 : 1);
}
