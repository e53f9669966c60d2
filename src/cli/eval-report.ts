// The report that saccade eval writes of a classifier, and what reports say of a model.
import type { EvaluationData } from "../evaluate/dataset-split.ts";
import type { Evaluation } from "../evaluate/evaluate.ts";
import { drawMistakes } from "../evaluate/mistake-pictures.ts";
import { renderReport } from "../evaluate/report.ts";
import type { TrainingRun } from "../evaluate/training-run.ts";
import { inspect, summarizeTensors } from "../model-folder/inspect.ts";
import { nodeTrainingHost } from "../platform/node/training-host.ts";
import type { AdaptiveClassifier } from "../tasks/classify/adaptive-classifier.ts";
import type { Classifier } from "../tasks/classify/classifier.ts";
import { version } from "../version.ts";
import { compact, type Terminal } from "./terminal.ts";

export interface ReportParts {
  readonly model: string;
  readonly dataPath: string;
  readonly classifier: Classifier | AdaptiveClassifier;
  readonly data: EvaluationData;
  readonly evaluation: Evaluation;
  readonly run: TrainingRun | undefined;
}

export async function writeReport(out: string, parts: ReportParts, terminal: Terminal): Promise<void> {
  const { classifier, data, evaluation, run } = parts;
  terminal.status("drawing the report");
  const mistakes = await drawMistakes(classifier, data.dataset, evaluation.accuracy.mistakes, {
    files: nodeTrainingHost.dataFiles,
    decode: nodeTrainingHost.decode,
    encodePng: nodeTrainingHost.encodePng,
    signal: terminal.signal,
  });
  terminal.status("");
  const page = renderReport({
    evaluation,
    card: classifier.card,
    data: parts.dataPath,
    split: data.split,
    facts: [
      ...(await modelFacts(parts.model)),
      ["Data", `${parts.dataPath}: ${data.dataset.describe()}`],
      ["Computed on", classifier.device],
    ],
    metrics: run?.metrics ?? [],
    mistakes,
    footer: `saccade ${version}, ${new Date().toISOString().slice(0, 10)}`,
  });
  await nodeTrainingHost.files.writeAtomic(out, page);
}

/** What a person wants to know of a model, as title and text. */
export async function modelFacts(model: string): Promise<[string, string][]> {
  const found = await inspect(nodeTrainingHost, model);
  const { elements } = summarizeTensors(found.tensors);
  return [
    ...(found.folder === undefined ? [] : [["Architecture", found.folder.architecture] satisfies [string, string]]),
    ["Parameters", compact(elements)],
    ["File", `${found.path}, ${compact(found.fileBytes, "B")}`],
  ];
}
