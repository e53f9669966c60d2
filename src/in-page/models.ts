// Models themselves, in a page: described, measured, exported, fetched.
import { benchModels } from "../evaluate/bench/bench.ts";
import type { BenchHooks } from "../evaluate/bench/hooks.ts";
import type { BenchMeasures, OpenModel } from "../evaluate/bench/plan.ts";
import type { BenchReport } from "../evaluate/bench/report.ts";
import { subjectOf } from "../evaluate/bench/subjects.ts";
import { type LoadOptions, loadModel, pulledPath } from "../model-folder/load.ts";
import { type ModelFacts, modelFacts } from "../model-folder/model-facts.ts";
import { officialWeights, requireWeightsOf } from "../model-folder/pulling.ts";
import type { TokenDial } from "../model-folder/token-dial.ts";
import { pulledVocabulary } from "../model-folder/vocabulary.ts";
import { registry } from "../models/registry.ts";
import { download } from "../platform/web/download.ts";
import { measuringHost } from "../platform/web/measuring.ts";
import type { FetchOptions, WebModelSource } from "../platform/web/model-source.ts";
import { sessionThreads } from "../platform/web/threads.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import { version } from "../version.ts";
import { type ExportModelOptions, exportModel } from "../workflows/export-model.ts";
import { loadFrom, pageHost } from "./sources.ts";

/** Sessions over any ONNX bytes, in module workers. */
export const createSession = (model: Uint8Array, options?: SessionOptions): Promise<Session> =>
  pageHost.createSession(model, options);
/**
 * What a model is, before it is run: its card, its size and cost, and which of its dials there are.
 *
 * @throws what `Classifier.load` throws
 * @example
 * const { parameters, steps, takesAnySize } = await describeModel("saccade/photographs");
 */
export const describeModel = (source: WebModelSource, options: LoadOptions & FetchOptions = {}): Promise<ModelFacts> =>
  loadFrom(source, options, async (host, model) => modelFacts(await loadModel(host, model, options)));

/** A model to be measured. */
export interface BenchedModel {
  /** For the report. */
  readonly name: string;
  readonly source: WebModelSource;
  /** Heights and widths, in pixels. Default: the model's usual size. */
  readonly resolutions?: readonly number[];
  /** How many tokens it works with. Default: as its configuration says. */
  readonly tokens?: TokenDial;
}

export interface PageBenchOptions
  extends Partial<Omit<BenchMeasures, "fresh" | "trace" | "decode" | "seed">>,
    BenchHooks {}

/**
 * Measures models against each other, round by round: what `saccade bench` does, with what a page can know. Tables of a report are made by
 * `benchColumns`, `benchToCsv` and `benchToMarkdown`.
 *
 * @throws UsageError when there is nothing to measure, AbortedError before a whole round is measured, what `Classifier.load` throws
 * @example
 * const report = await bench([{ name: "everyday", source: "saccade/photographs", resolutions: [112, 224] }], { seconds: 5 });
 */
export async function bench(models: readonly BenchedModel[], options: PageBenchOptions = {}): Promise<BenchReport> {
  const { signal, onNotice, onProgress, ...measures } = options;
  const hooks = { ...(signal && { signal }), ...(onNotice && { onNotice }), ...(onProgress && { onProgress }) };
  const opened: OpenModel[] = [];
  for (const { name, source, tokens, resolutions = [] } of models) {
    onProgress?.({ stage: "loading", done: opened.length / models.length, detail: name });
    const loaded = await loadFrom(source, { ...hooks, onProgress: () => undefined }, (host, model) =>
      loadModel(host, model, tokens === undefined ? {} : { tokens }),
    );
    opened.push({ subject: subjectOf(name, loaded), resolutions });
  }
  const usual: BenchMeasures = {
    ...{
      batches: [1],
      devices: ["auto"],
      precisions: ["float32"],
      threads: [sessionThreads(undefined).threads],
    },
    ...{ rounds: 20, seconds: 8, seed: 0, decode: false, limit: false, fresh: false, trace: false },
  };
  return benchModels(measuringHost(pageHost), opened, { ...usual, ...measures }, version, hooks);
}

/**
 * A model as the bytes of one ONNX file that runs anywhere, with its labels and its transform inside, compared with the model on random pictures. What is
 * an ONNX file already stays what it is.
 *
 * @throws SaccadeError "export_differs" for a file that computes something else; what `Classifier.load` throws
 * @example link.href = URL.createObjectURL(new Blob([await exportOnnx("my-model")]));
 */
export const exportOnnx = (
  source: WebModelSource,
  options: ExportModelOptions & FetchOptions = {},
): Promise<Uint8Array> => loadFrom(source, options, (host, model) => exportModel(host, model, options));

/**
 * Fetches a registered model's official weights, which the browser keeps: from then on its name loads them. Nothing is fetched that is here already.
 *
 * @param options `from` is another address than the official one, for servers that let no other sites read what they have
 * @throws NotFoundError for an unknown name; FormatError, WeightsMismatchError for a file that is not this model's; what `Classifier.load` throws
 * @example await pullModel("sparseformer_v1_tiny", { from: "/weights/sparseformer_v1_tiny_converted.pth" });
 */
export async function pullModel(
  name: string,
  { from, ...options }: FetchOptions & { readonly from?: string | URL } = {},
): Promise<void> {
  const { url } = officialWeights(name);
  const check = (bytes: Uint8Array) => requireWeightsOf(name, bytes);
  await download(from ?? url, { ...options, check, path: pulledPath(pageHost, name) });
  const { vocabulary } = registry.get(name)!;
  if (vocabulary !== undefined) await download(vocabulary.url, { path: pulledVocabulary(pageHost) });
}
