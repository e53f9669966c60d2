// A task of a model as the server drives it: what Classifier, AdaptiveClassifier and Embedder have in common, and what differs between them.
import type { Box } from "../../boxes/box.ts";
import { UsageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { answersOfModel } from "../../model-folder/compile.ts";
import type { LoadedModel, ModelCard } from "../../model-folder/model.ts";
import type { NodeHost } from "../../platform/node/host.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import {
  AdaptiveClassifier,
  type AdaptiveClassifyOptions,
  isAdaptive,
} from "../../tasks/classify/adaptive-classifier.ts";
import { type Classifier, loadClassifier } from "../../tasks/classify/classifier.ts";
import { type ExitOptions, exitOptionsOf } from "../../tasks/classify/exit-rule.ts";
import type { AnyClassification } from "../../tasks/classify/result-json.ts";
import { type DetectOptions, loadDetector } from "../../tasks/detect/detector.ts";
import type { DetectionResult } from "../../tasks/detect/results.ts";
import { loadEmbedder } from "../../tasks/embed/embedder.ts";
import type { EngineOptions } from "../../tasks/engine/engine.ts";
import type { BatchTask } from "../../tasks/engine/picture-stream.ts";
import { loadFaceAnalyzer } from "../../tasks/faces/face-analyzer.ts";
import type { FaceResult } from "../../tasks/faces/results.ts";
import { loadRestorer } from "../../tasks/restore/restorer.ts";
import type { Segmentation, SegmentationResult } from "../../tasks/segment/results.ts";
import { loadSegmenter, type SegmentOptions } from "../../tasks/segment/segmenter.ts";
import type { TaskName } from "../config.ts";

/** What one request asks of a task. Requests that differ in nothing but `topK` run together. */
export interface AskOptions extends ExitOptions {
  readonly topK?: number | undefined;
  readonly explain?: boolean | undefined;
  /** Of things and segments. */
  readonly most?: number | undefined;
  readonly only?: readonly string[] | undefined;
  readonly suppression?: number | "none" | undefined;
  readonly kind?: Segmentation | undefined;
  /** Tight boxes, in pixels of the picture. They concern a picture alone: requests that differ in them run together. */
  readonly faces?: readonly Box[] | undefined;
}

/** A picture as it should be, as a file: pixels would be many times as much for those that wait for a client to read them. */
export interface RestoredPicture {
  readonly width: number;
  readonly height: number;
  readonly tiles: number;
  readonly png: Uint8Array;
}

export interface TaskAnswers {
  readonly classify: AnyClassification;
  readonly embed: Float32Array;
  readonly detect: DetectionResult;
  readonly segment: SegmentationResult;
  readonly faces: FaceResult;
  readonly restore: RestoredPicture;
}

export interface TaskEngine<A, V = unknown> {
  readonly card: ModelCard;
  readonly device: ActualDevice;
  /** Batches that can be under way at once and keep the engine busy. */
  readonly lanes: number;
  /** Multiply-accumulates of all its steps for one picture; undefined where it cannot stop early, and so not be given less to do. */
  readonly wholeMacs: number | undefined;
  /** Whether it takes whole pictures, and not the little that other models see of them: they wait as files. */
  readonly takesWholePictures?: boolean;
  /** Throws UsageError for what this model cannot be asked. */
  check(asked: AskOptions): void;
  task(asked: AskOptions): BatchTask<V, A>;
  /** The same request for a share of the whole cost, 0..1. */
  cheaper(asked: AskOptions, share: number): AskOptions;
  dispose(): Promise<void>;
}

/** Who answers what a model answers. */
const TASK_OF: Readonly<Record<ReturnType<typeof answersOfModel>, TaskName>> = {
  classes: "classify",
  embedding: "embed",
  detections: "detect",
  semantic: "segment",
  queries: "segment",
  faces: "faces",
  picture: "restore",
};

/** What the model is made for. */
export function usualTasks(model: LoadedModel): readonly TaskName[] {
  return [TASK_OF[answersOfModel(model)]];
}

type Opener<T extends TaskName> = (
  host: NodeHost,
  model: LoadedModel,
  options: EngineOptions,
) => Promise<TaskEngine<TaskAnswers[T]>>;

/** How each task of a model is opened. */
export const OPENERS: { readonly [T in TaskName]: Opener<T> } = {
  async classify(host, model, options) {
    if (isAdaptive(model)) {
      const { sessions: _, expectedPictures: __, ...others } = options;
      return adaptiveEngine(await AdaptiveClassifier.open(host, model, others));
    }
    return classifierEngine(await loadClassifier(host, model, options));
  },
  async embed(host, model, options) {
    const { labels: _, scores: __, ...others } = options;
    const embedder = await loadEmbedder(host, model, others);
    return {
      card: embedder.card,
      device: embedder.device,
      lanes: embedder.layout.sessions + 1,
      wholeMacs: undefined,
      check: (asked) => refuseExits(asked, embedder.card.name),
      task: () => embedder.embedTask(),
      cheaper: (asked) => asked,
      dispose: () => embedder.dispose(),
    };
  },
  async detect(host, model, options) {
    const { scores: _, ...others } = options;
    const detector = await loadDetector(host, model, others);
    const task = (asked: AskOptions) => detector.detectTask(detectOptions(asked));
    return { ...denseEngine(detector), check: (asked) => void task(asked), task };
  },
  async segment(host, model, options) {
    const { scores: _, ...others } = options;
    const segmenter = await loadSegmenter(host, model, others);
    const task = (asked: AskOptions) => segmenter.segmentTask(segmentOptions(asked));
    return { ...denseEngine(segmenter), check: (asked) => void task(asked), task };
  },
  async faces(host, model, options) {
    const { scores: _, ...others } = options;
    const analyzer = await loadFaceAnalyzer(host, model, others);
    const task = ({ faces }: AskOptions) => analyzer.analyzeTask(faces === undefined ? {} : { faces });
    return { ...denseEngine(analyzer), check: (asked) => void task(asked), task };
  },
  async restore(host, model, { precision, sessions: _, scores: __, ...others }) {
    const restorer = await loadRestorer(host, model, others);
    if (precision === "int8") others.onNotice?.(`saccade: ${restorer.card.name} restores in float32, not in int8`);
    // Where it runs is known, and that it does, once it has done a picture.
    await restorer.restore({ width: 1, height: 1, data: new Uint8Array(3) });
    const restore = async (picture: RawImage): Promise<RestoredPicture> => {
      const { picture: restored, tiles } = await restorer.restore(picture);
      return { width: restored.width, height: restored.height, tiles, png: await host.encodePng(restored) };
    };
    const task: BatchTask<RawImage, RestoredPicture> = {
      view: (picture) => picture,
      decoding: { decode: "exact" },
      bytesOf: ({ data }) => data.byteLength,
      batchSize: 1,
      joins: () => false, // tiles of one picture at a time are all that it does
      async run(batch) {
        const answers: RestoredPicture[] = [];
        for (const { view } of batch) answers.push(await restore(view));
        return answers;
      },
      lanes: 2,
    };
    return {
      card: restorer.card,
      device: restorer.device!,
      lanes: task.lanes,
      wholeMacs: undefined,
      takesWholePictures: true,
      check: () => undefined,
      task: () => task,
      cheaper: (asked) => asked,
      dispose: () => restorer.dispose(),
    };
  },
};

/** What detectors, segmenters and analysers of faces have in common. Their options are checked when a task is made of them. */
function denseEngine(
  engine: Awaited<ReturnType<typeof loadDetector | typeof loadSegmenter | typeof loadFaceAnalyzer>>,
) {
  return {
    card: engine.card,
    device: engine.device,
    lanes: engine.layout.sessions + 1,
    wholeMacs: undefined,
    cheaper: (asked: AskOptions) => asked,
    dispose: () => engine.dispose(),
  };
}

function detectOptions({ threshold, most, only, suppression }: AskOptions): DetectOptions {
  return {
    ...(threshold === undefined ? {} : { threshold }),
    ...(most === undefined ? {} : { most }),
    ...(only === undefined ? {} : { only }),
    ...(suppression === undefined ? {} : { suppression }),
  };
}

function segmentOptions({ threshold, most, only, kind }: AskOptions): SegmentOptions {
  return {
    ...(threshold === undefined ? {} : { threshold }),
    ...(most === undefined ? {} : { most }),
    ...(only === undefined ? {} : { only }),
    ...(kind === undefined ? {} : { kind }),
  };
}

function classifierEngine(classifier: Classifier): TaskEngine<AnyClassification> {
  return {
    card: classifier.card,
    device: classifier.device,
    lanes: classifier.layout.sessions + 1,
    wholeMacs: undefined,
    check: (asked) => refuseExits(asked, classifier.card.name),
    task: ({ topK, explain }) => classifier.classifyTask(classifyOptions({ topK, explain })),
    cheaper: (asked) => asked,
    dispose: () => classifier.dispose(),
  };
}

function adaptiveEngine(classifier: AdaptiveClassifier): TaskEngine<AnyClassification> {
  const whole = classifier.stepMacs.reduce((sum, macs) => sum + macs, 0);
  return {
    card: classifier.card,
    device: classifier.device,
    lanes: 2,
    wholeMacs: whole,
    check: () => undefined,
    task: (asked) => classifier.classifyTask(classifyOptions(asked)),
    cheaper: (asked, share) => ({ ...asked, budgetMacs: Math.min(asked.budgetMacs ?? whole, share * whole) }),
    dispose: () => classifier.dispose(),
  };
}

function classifyOptions({ topK, explain, ...exits }: AskOptions): AdaptiveClassifyOptions {
  return {
    ...exitOptionsOf(exits),
    ...(topK === undefined ? {} : { topK }),
    ...(explain === undefined ? {} : { explain }),
  };
}

function refuseExits(asked: AskOptions, model: string): void {
  const [given] = Object.keys(exitOptionsOf(asked));
  if (given === undefined) return;
  const name = given.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  throw new UsageError(`${model} does not run in steps, so ${name} cannot stop it early`, "leave it out");
}
