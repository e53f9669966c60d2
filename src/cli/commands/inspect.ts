// saccade inspect: what a weight file, an ONNX file, a model folder, a video or a data set holds.
import type { Command } from "commander";
import type { BadValue } from "../../model-folder/check-values.ts";
import { describeClip } from "../../model-folder/clip-entry.ts";
import {
  type Inspection,
  inspect,
  type LayerFacts,
  summarizeTensors,
  type TensorFacts,
} from "../../model-folder/inspect.ts";
import type { EarlyExit } from "../../model-folder/model.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { describeValue } from "../../runtime/feeds.ts";
import { dataJson, describeData, inspectData, isData } from "../data-inspection.ts";
import { type Fact, listFacts } from "../facts.ts";
import { compact, printable, type Terminal, table } from "../terminal.ts";
import { describeTokens } from "../token-text.ts";
import { describeVideo, inspectVideo, isVideoFile, videoJson } from "../video-inspection.ts";

interface InspectFlags {
  json?: boolean;
  tensors?: boolean;
  check?: boolean;
  all?: boolean;
  entry?: string;
}

const FIRST_TENSORS = 12;

const EXAMPLES = `
Examples:
  $ saccade inspect sparseformer_v1_tiny_converted.pth
  $ saccade inspect checkpoint.pth --all --tensors
  $ saccade inspect my-model/ --check
  $ saccade inspect model.onnx --json
  $ saccade inspect clip.mp4
  $ saccade inspect pictures/ --check
`;

export function addInspect(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  program
    .command("inspect")
    .description("say what is in a weight file, an ONNX file, a model folder, a video or a data set")
    .argument("<path>", ".safetensors, .pth, .onnx, model folder, the name of a pulled model, a video file, or data")
    .option("--tensors", `list every tensor, not only the first ${FIRST_TENSORS}`)
    .option(
      "--check",
      "look for values that are not numbers or infinite, in the weights and in what the model makes of a grey picture; of data, open every picture; what is found sets exit code 1",
    )
    .option("--entry <name>", "the entry of a PyTorch checkpoint to show, such as model_ema")
    .option("--all", "every tensor of a PyTorch checkpoint, the optimizer's too")
    .option("--json", "one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, flags: InspectFlags) => {
      if (await isVideoFile(path)) {
        const found = await inspectVideo(path, terminal.signal);
        terminal.out(
          flags.json ? `${JSON.stringify(videoJson(found), undefined, 2)}\n` : describeVideo(found, terminal.columns),
        );
        if (found.isCutOff) finish(1);
        return;
      }
      if (await isData(path)) {
        const found = await inspectData(path, flags.check === true, terminal);
        terminal.out(
          flags.json ? `${JSON.stringify(dataJson(found), undefined, 2)}\n` : describeData(found, terminal.columns),
        );
        if ((found.checked?.length ?? 0) > 0) finish(1);
        return;
      }
      const { check, all, entry } = flags;
      const found = await inspect(nodeHost, path, {
        ...(check === undefined ? {} : { check }),
        ...(all === undefined ? {} : { all }),
        ...(entry === undefined ? {} : { entry }),
        onNotice: (line) => terminal.note(line),
        signal: terminal.signal,
      });
      terminal.out(flags.json ? `${JSON.stringify(toJson(found), undefined, 2)}\n` : describe(found, flags, terminal));
      if (found.folder?.misfit !== undefined || isDamaged(found)) finish(1);
    });
}

const isFaulty = ({ nan = 0, infinite = 0 }: TensorFacts) => nan + infinite > 0;

/** Infinite constants of an ONNX file may be meant, as masks are: then nothing that is computed of them is no number. */
function isDamaged({ kind, tensors, trial }: Inspection): boolean {
  const isComputed = trial !== undefined && "values" in trial;
  if (isComputed && trial.isDamaged) return true;
  return tensors.some((facts) => (kind === "onnx" && isComputed ? (facts.nan ?? 0) > 0 : isFaulty(facts)));
}

function toJson(found: Inspection) {
  const { tensors, fileBytes, fits, onnx, reduction, cost, ...rest } = found;
  const { elements, bytes, dtypes } = summarizeTensors(tensors);
  return {
    ...rest,
    file_bytes: fileBytes,
    parameters: elements,
    tensor_bytes: bytes,
    dtypes: Object.fromEntries(dtypes),
    fits,
    ...(reduction === undefined ? {} : { reduction: reductionToJson(reduction) }),
    ...(cost === undefined ? {} : { macs: cost.macs, macs_at_least: cost.macsAtLeast, decisions: cost.decisions }),
    ...(onnx === undefined
      ? {}
      : {
          onnx: {
            ir_version: onnx.irVersion,
            opsets: onnx.opsets,
            producer: onnx.producer,
            graph_name: onnx.graphName,
            inputs: onnx.inputs,
            outputs: onnx.outputs,
            node_count: onnx.nodeCount,
            op_counts: onnx.opCounts,
          },
        }),
    tensors,
  };
}

function reductionToJson({ tokens, patches, after, macs, denseMacs }: NonNullable<Inspection["reduction"]>) {
  return { tokens, patches, after, macs, dense_macs: denseMacs };
}

const FORMATS: Readonly<Record<Inspection["format"], string>> = {
  safetensors: "safetensors",
  "torch-zip": "PyTorch checkpoint",
  "torch-legacy": "PyTorch checkpoint (format before 1.6)",
  "numpy-pickle": "pickle of NumPy arrays",
  onnx: "ONNX",
};

function describe(found: Inspection, flags: InspectFlags, terminal: Terminal): string {
  const { kind, format, fileBytes, external = [], notes, tensors, metadata, fits, layers, trial } = found;
  const { count, elements, bytes, dtypes } = summarizeTensors(tensors);
  const parts = [...dtypes].map(([dtype, sum]) => `${sum.tensors} ${dtype}`).join(", ");
  const facts: Fact[] = [
    ["format", `${kind === "model folder" ? "model folder, " : ""}${FORMATS[format]}, ${compact(fileBytes, "B")}`],
    ...external.map(({ location, bytes }): Fact => ["weights in", `${location}, ${compact(bytes, "B")}`]),
    ...notes.map((note): Fact => ["note", note]),
    ["tensors", `${count} (${parts || "none"}), ${compact(elements)} values, ${compact(bytes, "B")}`],
    ...aboutModel(found),
    ...(layers === undefined ? [] : [["layers", layers.map(layerText).join(", ")] as Fact]),
    ...(kind === "checkpoint" ? [["fits", fits.length === 0 ? "no registered model" : fits.join(", ")] as Fact] : []),
    ...Object.entries(metadata)
      .filter(([key]) => !key.startsWith("saccade."))
      .map(([key, value]): Fact => ["metadata", `${key} = ${value}`]),
    ...(flags.check === true ? [faultFact(tensors)] : []),
    ...describeTrial(trial).map((line): Fact => ["grey picture", line]),
  ];
  const faulty = flags.check === true ? tensors.filter(isFaulty) : [];
  const sections = [
    listFacts(facts, terminal.columns),
    faulty.length === 0 ? "" : `\nFaulty values\n${describeFaults(faulty)}`,
    tensors.length === 0 ? "" : `\n${describeTensors(tensors, flags.tensors === true, terminal.columns)}`,
  ];
  return `${printable(found.path)}\n${sections.join("")}`;
}

/** "stage.3 (96)": how many numbers its mean has. */
function layerText({ name, shape }: LayerFacts): string {
  return `${name} (${shape.length === 4 ? shape[1] : shape.at(-1)})`;
}

/** What a model folder or an ONNX file says about itself. */
function aboutModel({ folder, onnx, scores, card, tokens, reduction, cost }: Inspection): Fact[] {
  const facts: Fact[] = [];
  if (folder !== undefined) {
    facts.push(["architecture", folder.architecture]);
    facts.push(["weights", folder.misfit === undefined ? "fit the configuration" : folder.misfit]);
  }
  if (onnx !== undefined) {
    const opsets = Object.entries(onnx.opsets).map(([domain, version]) => `${domain || "standard"} ${version}`);
    const ops = Object.entries(onnx.opCounts).sort(([, a], [, b]) => b - a);
    facts.push(["made by", `${onnx.producer || "?"}; IR version ${onnx.irVersion}; operators: ${opsets.join(", ")}`]);
    for (const [title, values] of [
      ["input", onnx.inputs],
      ["output", onnx.outputs],
    ] as const)
      for (const { shape, ...value } of values) facts.push([title, describeValue({ ...value, shape: shape ?? ["…"] })]);
    if (scores !== undefined) facts.push(["scores", describeScores(scores)]);
    facts.push(["nodes", `${onnx.nodeCount}: ${ops.map(([op, count]) => `${count} ${op}`).join(", ")}`]);
  }
  if (card?.labels !== undefined)
    facts.push(["labels", `${card.labels.length}: ${card.labels.slice(0, 3).join(", ")}…`]);
  if (cost !== undefined) facts.push(["products", describeDecided(cost)]);
  if (tokens !== undefined) facts.push(["vocabulary", `${tokens} tokens`]);
  if (reduction !== undefined) facts.push(["tokens", describeReduction(reduction, cost !== undefined)]);
  if (card?.pretext !== undefined)
    facts.push([
      "pretext",
      `${printable(card.pretext)}: it learnt without labels, and its last layer has learnt nothing`,
    ]);
  if (card?.textModel !== undefined) facts.push(["text model", card.textModel]);
  if (card?.transform !== undefined) facts.push(["transform", card.transform]);
  if (card?.clip !== undefined) facts.push(["clip", describeClip(card.clip)]);
  if (card?.licence !== undefined) facts.push(["licence", card.licence]);
  for (const [key, value] of Object.entries(card?.provenance ?? {})) facts.push(["provenance", `${key} = ${value}`]);
  if (card?.unknownBelow !== undefined)
    facts.push(["unknown", `answers that are less than ${Math.round(100 * card.unknownBelow)} % sure`]);
  if (card?.earlyExit !== undefined) facts.push(["early exit", describeEarlyExit(card.earlyExit)]);
  return facts;
}

/** "keep=0.7@3,6:evit: 196 patches, 139 tokens from block 3 on, 99 from 6; 3 GMACs instead of 4.6 GMACs" */
function describeReduction(
  { tokens, patches, after, macs, denseMacs }: NonNullable<Inspection["reduction"]>,
  pictureDecides: boolean,
): string {
  if (patches === undefined || after === undefined || macs === undefined || denseMacs === undefined)
    return printable(tokens);
  const text = describeTokens({ tokens, patches, after });
  // What it costs then is a range, which stands with the products.
  return pictureDecides ? text : `${text}; ${compact(macs, "MACs")} instead of ${compact(denseMacs, "MACs")}`;
}

/** "58.3 G to 115 G MACs a picture, which decides at 2 places how many tokens go on" */
function describeDecided({ macs, macsAtLeast, decisions }: NonNullable<Inspection["cost"]>): string {
  const places = `${decisions} ${decisions === 1 ? "place" : "places"}`;
  return `${compact(macsAtLeast)} to ${compact(macs)} MACs a picture, which decides at ${places} how many tokens go on`;
}

/** "probabilities (from the graph's Softmax), in the output output0" */
function describeScores({ output, kind, operator }: NonNullable<Inspection["scores"]>): string {
  return `${kind}${operator === undefined ? "" : ` (from the graph's ${operator})`}, in the output ${output}`;
}

/** "thresholds for 27 average budgets, 31 % to 98 % of all steps; solved on 1000 pictures of scenes/" */
function describeEarlyExit({ points, pictures, data }: EarlyExit): string {
  const shares = points.map(({ share }) => Math.round(100 * share));
  const range = `thresholds for ${points.length} average budgets, ${Math.min(...shares)} % to ${Math.max(...shares)} % of all steps`;
  const solvedOn =
    pictures === undefined ? "" : `; solved on ${pictures} pictures${data === undefined ? "" : ` of ${data}`}`;
  return range + solvedOn;
}

function faultFact(tensors: readonly TensorFacts[]): Fact {
  const faulty = tensors.filter(isFaulty);
  return [
    "check",
    faulty.length === 0
      ? "every value of the weights is a finite number"
      : `${faulty.length} tensors hold faulty values`,
  ];
}

/** What running it showed: "the first value that is not a number is conv1 of Conv, from the weights W". */
function describeTrial(trial: Inspection["trial"]): string[] {
  if (trial === undefined) return [];
  if ("notRun" in trial) return [`not run: ${trial.notRun}`];
  const { values, firstNan, firstInfinite } = trial;
  const where = ({ name, op, node, weights, nan, infinite }: BadValue) =>
    `${JSON.stringify(name)}, made by ${op}${node === "" || node === name ? "" : ` ${JSON.stringify(node)}`}${
      weights.length === 0 ? "" : ` from the weights ${weights.join(", ")}`
    } (${nan} not a number, ${infinite} infinite)`;
  if (firstNan === undefined && firstInfinite === undefined) return [`all ${values} values of the model are finite`];
  return [
    ...(firstNan === undefined ? [] : [`the first that is not a number is ${where(firstNan)}`]),
    ...(firstInfinite === undefined || firstInfinite.name === firstNan?.name
      ? []
      : [`the first that is infinite is ${where(firstInfinite)}`]),
  ];
}

function describeFaults(tensors: readonly TensorFacts[]): string {
  const rows = tensors.map(({ name, nan = 0, infinite = 0 }) => [printable(name), String(nan), String(infinite)]);
  return table(["name", "not a number", "infinite"], rows, { right: [1, 2] });
}

function describeTensors(tensors: readonly TensorFacts[], all: boolean, columns: number): string {
  const shown = all ? tensors : tensors.slice(0, FIRST_TENSORS);
  const rows = shown.map(({ name, dtype, shape }) => [dtype, `[${shape.join(", ")}]`, printable(name)]);
  const more = tensors.length - shown.length;
  // The name comes last, so that a long one costs no other column its place; a full listing is for programs too and is never cut.
  const text = table(["dtype", "shape", "name"], rows, all ? {} : { columns });
  return more === 0 ? text : `${text}… and ${more} more (--tensors lists all)\n`;
}
