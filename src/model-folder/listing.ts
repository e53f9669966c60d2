// The models that have a name: what they cost, under which licence they are, and whether their weights are here.
import { countMacs } from "../graph/macs.ts";
import { inferenceGraph, parameterCount } from "../models/graph.ts";
import { defineModel, type ModelDefinition, registry } from "../models/registry.ts";
import type { Host } from "../platform/host.ts";
import { parseConfigFile } from "./config-file.ts";
import { pulledPath } from "./load.ts";

export interface ListedModel {
  readonly name: string;
  readonly summary: string;
  readonly architecture: string;
  readonly input: "image" | "video";
  readonly answers: "classes" | "embedding";
  readonly parameters: number;
  /** Multiply-accumulates of one answer, for an input of the size below. */
  readonly macs: number;
  readonly macsAt: { readonly height: number; readonly width: number; readonly frames?: number };
  readonly licence: string | undefined;
  /** Official weights. */
  readonly url: string | undefined;
  readonly weights: "bundled" | "pulled" | "not here";
  /** Where the weights are, or where `saccade pull` would put them. */
  readonly path: string;
}

/** Models that come with the package, then the registered ones. */
export async function listModels(host: Host): Promise<ListedModel[]> {
  return [...(await listBundled(host)), ...(await listRegistered(host))];
}

/** Parameters, and multiply-accumulates for one input of the size the model was made for. */
export function modelCost(definition: ModelDefinition): Pick<ListedModel, "parameters" | "macs" | "macsAt"> {
  const graph = inferenceGraph(definition);
  const { height, width, frames } = definition.architecture.input(definition.config).usual;
  const sizes = new Map([
    ["batch", 1],
    ["height", height],
    ["width", width],
    ["frames", frames ?? 1],
  ]);
  return {
    parameters: parameterCount(graph),
    macs: countMacs(graph, sizes, [graph.outputs.get("logits")!]).total,
    macsAt: { height, width, ...(frames === undefined ? {} : { frames }) },
  };
}

function commonFacts(definition: ModelDefinition) {
  const { architecture, config } = definition;
  return {
    architecture: architecture.name,
    input: architecture.input(config).kind,
    answers: architecture.answers(config),
    ...modelCost(definition),
  };
}

async function listRegistered(host: Host): Promise<ListedModel[]> {
  return Promise.all(
    [...registry.values()].map(async (model) => {
      const path = pulledPath(host, model.name);
      return {
        name: model.name,
        summary: model.summary,
        ...commonFacts(defineModel(model.name)),
        licence: model.weights?.licence,
        url: model.weights?.url,
        weights: (await host.files.stat(path)) === undefined ? ("not here" as const) : ("pulled" as const),
        path,
      };
    }),
  );
}

async function listBundled(host: Host): Promise<ListedModel[]> {
  const { files, folders } = host;
  if ((await files.stat(folders.bundledModels)) === undefined) return [];
  const found: ListedModel[] = [];
  for (const { path, isDirectory } of await files.list(folders.bundledModels)) {
    const configPath = files.join(path, "config.json");
    if (!isDirectory || (await files.stat(configPath)) === undefined) continue;
    const file = parseConfigFile(new TextDecoder().decode(await files.read(configPath)), configPath);
    found.push({
      name: `saccade/${path.replace(/^.*[/\\]/, "")}`,
      summary: `comes with saccade${file.labels === undefined ? "" : `, ${file.labels.length} classes`}`,
      ...commonFacts(defineModel(file.architecture, file.config)),
      licence: file.licence,
      url: undefined,
      weights: "bundled",
      path,
    });
  }
  return found;
}
