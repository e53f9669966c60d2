// The models that have a name: what they cost, under which licence they are, and whether their weights are here.
import type { Answers } from "../models/answers.ts";
import type { InputExtent, TextExtent } from "../models/cost.ts";
import { defineModel, type ModelDefinition, registry } from "../models/registry.ts";
import type { Host } from "../platform/host.ts";
import { countedExtent, readConfigFile } from "./describe.ts";
import { bundledModels, pulledPath } from "./load.ts";

export interface ListedModel {
  readonly name: string;
  readonly summary: string;
  readonly architecture: string;
  /** Of the architecture: its address. */
  readonly paper: string;
  readonly input: "image" | "video" | "text";
  readonly answers: Answers;
  /** For counting: see models/cost.ts. */
  readonly definition: ModelDefinition;
  /** The size it was made for. */
  readonly usual: InputExtent | TextExtent;
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

function commonFacts(definition: ModelDefinition, transform?: string) {
  const { architecture, config } = definition;
  return {
    architecture: architecture.name,
    paper: architecture.paper,
    input: architecture.input(config).kind,
    answers: architecture.answers(config),
    definition,
    usual: countedExtent(definition, transform),
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
  const found: ListedModel[] = [];
  for (const { name, path } of await bundledModels(host)) {
    const file = await readConfigFile(host, path);
    found.push({
      name,
      summary: `comes with saccade${file.labels === undefined ? "" : `, ${file.labels.length} classes`}`,
      ...commonFacts(defineModel(file.architecture, file.config), file.transform),
      licence: file.licence,
      url: undefined,
      weights: "bundled",
      path,
    });
  }
  return found;
}
