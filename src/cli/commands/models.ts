// saccade models: which models have a name, what they cost, and whether they are here; what one model costs, part by part.
import { setImmediate } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { NotFoundError, UsageError } from "../../errors.ts";
import { listedCost } from "../../model-folder/cost-table.ts";
import { countedExtent, type DescribedModel, describeModel } from "../../model-folder/describe.ts";
import { type ListedModel, listModels } from "../../model-folder/listing.ts";
import type { LoadOptions } from "../../model-folder/load.ts";
import { isWithin, type ModelQuery, modelsLike } from "../../model-folder/model-search.ts";
import { aboutTokens, type TokenDial, withTokenDial } from "../../model-folder/token-dial.ts";
import { tokenCounts } from "../../model-folder/token-facts.ts";
import { type InputExtent, type ModelCost, modelCost, type TextExtent } from "../../models/cost.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { builtCosts } from "../built-costs.ts";
import { type Fact, listFacts } from "../facts.ts";
import {
  type CountedModel,
  costToJson,
  describeModels,
  extentText,
  extentToJson,
  listedToJson,
} from "../model-list.ts";
import { integer, nameList, quantity, tokenDial } from "../options.ts";
import { Progress } from "../progress.ts";
import { compact, printable, type Terminal, table } from "../terminal.ts";
import { describeTokens } from "../token-text.ts";

interface ModelsFlags {
  family?: string[];
  search?: string;
  maxParams?: number;
  maxMacs?: number;
  size?: number;
  batch: number;
  depth?: number;
  tokens?: TokenDial;
  left?: number[];
  json?: boolean;
}

const EXAMPLES = `
Counts are for one picture of the size that each model was made for, unless
--size says otherwise. GMACs: multiply-accumulates of all that a model does, as
papers count them. MB: the most that a run's values take at once, in float32.

Examples:
  $ saccade models
  $ saccade models --family vit,swin --max-params 30M
  $ saccade models --search "imagenet-1k mit" --max-macs 1G
  $ saccade models --size 512
  $ saccade models sparseformer_v1_tiny --size 1024
  $ saccade models my-model/ --batch 8 --depth 2
  $ saccade models deit_small_patch16_224 --tokens merge=13:tome
  $ saccade models dtop_base_ade20k --left 0.7,0.5
  $ saccade models --json | jq '.[] | select(.macs < 3e9) | .name'
`;

export function addModels(program: Command, terminal: Terminal): void {
  program
    .command("models")
    .description("list the models that have a name: size, cost, licence, and whether their weights are here")
    .argument("[model]", "a name or a model folder: what it costs, by part and by op")
    .option("--family <names>", "only models of these architectures, with commas between them", nameList)
    .option("--search <words>", "only models whose name, summary or licence has all these words")
    .option("--max-params <n>", "only models of at most so many parameters, such as 10M", quantity)
    .option("--max-macs <n>", "only models of at most so many multiply-accumulates, such as 2.5G", quantity)
    .option("--size <n>", "height and width to count for (default: what the model was made for)", integer(1))
    .option("--batch <n>", "pictures to count for, with a model", integer(1), 1)
    .option("--depth <n>", "how many names of a path make a part, with a model", integer(1))
    .option("--tokens <how>", "count with fewer tokens, such as merge=13:tome, with a model", tokenDial)
    .option(
      "--left <shares>",
      "with a model whose pictures decide how many tokens go on: the share left at each place where they do",
      shares,
    )
    .option("--json", "one JSON array, or one JSON object for one model")
    .addHelpText("after", EXAMPLES)
    .action(async (model: string | undefined, flags: ModelsFlags) => {
      const { size: _, ...searched } = flags;
      if (model !== undefined && searchText(searched) !== "")
        throw new UsageError(
          "--family, --search, --max-params and --max-macs are for the list of all models",
          "leave out the model's name, or these",
        );
      terminal.out(model === undefined ? await list(flags, terminal) : await showModel(model, flags, terminal));
    });
}

// --- all models ------------------------------------------------------------------------------------------------------------------

async function list(flags: ModelsFlags, terminal: Terminal): Promise<string> {
  const needsModel = flags.tokens !== undefined || flags.left !== undefined;
  if (flags.depth !== undefined || flags.batch !== 1 || needsModel)
    throw new UsageError(
      "--depth, --batch, --tokens and --left need a model",
      "for example: saccade models sparseformer_v1_tiny",
    );
  const { family, search, maxParams, maxMacs } = flags;
  const query: ModelQuery = {
    ...(family === undefined ? {} : { families: family }),
    ...(search === undefined ? {} : { text: search }),
    ...(maxParams === undefined ? {} : { maxParameters: maxParams }),
    ...(maxMacs === undefined ? {} : { maxMacs }),
  };
  const asked = modelsLike(await listModels(nodeHost), query);
  const models = (await countAll(asked, flags, terminal)).filter(({ cost }) => isWithin(cost, query));
  if (flags.json === true) return `${JSON.stringify(models.map(listedToJson), undefined, 2)}\n`;
  if (models.length > 0) return describeModels(models, terminal.columns);
  throw new NotFoundError("model", searchText(flags), "ask for less; saccade models lists all of them");
}

async function countAll(models: readonly ListedModel[], flags: ModelsFlags, terminal: Terminal) {
  const built = await builtCosts();
  const progress = new Progress(terminal, "models", models.length);
  const counted: CountedModel[] = [];
  try {
    for (const model of models) {
      const extent = extentOf(model.usual, flags);
      counted.push({ model, extent, cost: listedCost(model, extent, built) });
      progress.advance();
      await setImmediate(); // so that Ctrl-C is heard
      terminal.signal.throwIfAborted();
    }
  } finally {
    progress.finish();
  }
  return counted;
}

/** What was asked for, as it was. */
function searchText({ family, search, maxParams, maxMacs, size }: ModelsFlags): string {
  const asked = [
    family && `--family ${family.join()}`,
    search && `--search "${search}"`,
    maxParams && `--max-params ${maxParams}`,
    maxMacs && `--max-macs ${maxMacs}`,
    size && `--size ${size}`,
  ];
  return asked.filter(Boolean).join(" ");
}

/** "0.7,0.5". What a model takes is for modelCost to say. */
function shares(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (text.trim() === "" || numbers.some((share) => !(share >= 0 && share <= 1)))
    throw new InvalidArgumentError("give shares in 0..1 with commas between them, such as 0.7,0.5.");
  return numbers;
}

function extentOf(usual: InputExtent | TextExtent, { size, batch, left }: ModelsFlags): InputExtent | TextExtent {
  if ("tokens" in usual) return { ...usual, batch };
  const tokensLeft = left === undefined ? {} : { tokensLeft: left };
  return { ...usual, ...(size === undefined ? {} : { height: size, width: size }), ...tokensLeft, batch };
}

// --- one model -------------------------------------------------------------------------------------------------------------------

async function showModel(source: string, flags: ModelsFlags, terminal: Terminal): Promise<string> {
  const dialled = withTokenDial<LoadOptions>(flags.tokens === undefined ? {} : { tokens: flags.tokens });
  const model = await describeModel(nodeHost, source, dialled.config).catch((error: unknown) => {
    throw aboutTokens(error, dialled);
  });
  const usual = countedExtent(model.definition, model.file?.transform);
  if ("tokens" in usual && flags.size !== undefined)
    throw new UsageError(`${model.name} takes texts`, "leave --size out: it is for models of pictures");
  const extent = extentOf(usual, flags);
  const cost = modelCost(model.definition, extent, flags.depth);
  if (flags.json) {
    const { parts, ops } = cost;
    const at = { input: extentToJson(extent), macs_at_load: cost.macsAtLoad };
    return `${JSON.stringify({ name: model.name, ...costToJson(cost), ...at, parts, ops }, undefined, 2)}\n`;
  }
  return describeCost(model, extent, cost, terminal.columns);
}

function describeCost(
  { name, definition }: DescribedModel,
  extent: InputExtent | TextExtent,
  cost: ModelCost,
  columns: number,
) {
  const { parameters, macs, macsAtLoad, activations, parts, ops } = cost;
  const { batch = 1 } = extent;
  const { registered } = definition;
  const once = macsAtLoad === 0 ? "" : `, ${compact(macsAtLoad)} of them once, when the model is loaded`;
  const facts = listFacts(
    [
      ["input", `${batch === 1 ? "one" : batch} of ${extentText(extent)}`],
      ["parameters", compact(parameters)],
      ["products", `${compact(macs)} MACs${once}`],
      ...tokensThatGoOn(definition, cost),
      ...whatPicturesDecide(cost, extent),
      [
        "memory",
        `${compact(activations.peakBytes, "B")} of values at once, ${compact(activations.totalBytes, "B")} in all`,
      ],
      ...(registered?.weights === undefined
        ? []
        : [["weights", registered.weights.url] as const, ["licence", registered.weights.licence] as const]),
    ],
    columns,
  );
  const share = (value: number, whole: number) => `${((100 * value) / (whole || 1)).toFixed(1)} %`;
  const partRows = parts.map((part) => [
    compact(part.macs),
    share(part.macs, macs),
    compact(part.parameters),
    printable(part.path === "" ? "(no name)" : part.path),
  ]);
  const opRows = ops.map(({ op, macs: ofOp, nodes }) => [compact(ofOp), share(ofOp, macs), String(nodes), op]);
  const byPart = table(["MACs", "share", "params", "part"], partRows, { right: [0, 1, 2], columns });
  const byOp = table(["MACs", "share", "nodes", "op"], opRows, { right: [0, 1, 2], columns });
  return `${printable(name)}\n${facts}\n${byPart}\n${byOp}`;
}

/** How many tokens are left where, of models that go on with fewer and whose text says how many. */
function tokensThatGoOn(definition: ModelDefinition, { decisions }: ModelCost): Fact[] {
  const counts = decisions === 0 ? tokenCounts(definition) : undefined;
  return counts === undefined ? [] : [["tokens", describeTokens(counts)]];
}

/** What the number of products was counted with, of models whose pictures decide how many tokens go on. */
function whatPicturesDecide({ decisions, macsAtLeast }: ModelCost, extent: InputExtent | TextExtent): Fact[] {
  if (decisions === 0) return [];
  const left = "tokens" in extent ? undefined : extent.tokensLeft;
  const at = `${decisions} ${decisions === 1 ? "place" : "places"}`;
  const counted = left === undefined ? "all of them" : left.map((share) => `${Math.round(100 * share)} %`).join(", ");
  return [
    [
      "tokens",
      `the picture decides at ${at} how many go on: ${counted} here (--left); never below ${compact(macsAtLeast)} MACs`,
    ],
  ];
}
