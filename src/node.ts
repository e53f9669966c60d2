/// <reference lib="esnext.disposable" preserve="true" />
// The public entry for Node: the library's tasks bound to this machine.

import type { AuditReportOptions } from "./audit/report.ts";
import type { AuditResult } from "./audit/result.ts";
import type { ExplanationFormat } from "./evaluate/explain-video.ts";
import { encodeSheet, type SheetFormat } from "./evaluate/sheet-file.ts";
import type { ExplainVideoOptions } from "./evaluate/video-explanation.ts";
import { type DrawGazeOptions, type Gaze, gazeSheet } from "./image/explain.ts";
import { type Glimpse, glimpseSheet } from "./image/glimpses.ts";
import { type Pixels, rgbPixels } from "./image/pixels.ts";
import type { DecodeOptions, RawImage } from "./image/raw-image.ts";
import type { SheetOptions } from "./image/sheet.ts";
import { type TokenGroups, tokenSheet } from "./image/token-groups.ts";
import type { Merged } from "./jobs/merge.ts";
import type { PlanFolder } from "./jobs/plan.ts";
import type { Retried } from "./jobs/retries.ts";
import type { JobsStatus } from "./jobs/status.ts";
import type { Verification as PlanVerification, VerifyOptions } from "./jobs/verify.ts";
import type { WorkResult } from "./jobs/worker.ts";
import type { ModelFileSource } from "./model-folder/load.ts";
import { nodeHost } from "./platform/node/host.ts";
import { nodeTrainingHost } from "./platform/node/training-host.ts";
import type { PictureIndexOptions, PictureIndex as PictureIndexTask } from "./retrieval/picture-index.ts";
import type { AdaptiveClassifier as AdaptiveClassifierTask } from "./tasks/classify/adaptive-classifier.ts";
import type { Classifier as ClassifierTask } from "./tasks/classify/classifier.ts";
import type { DetectorOptions, Detector as DetectorTask } from "./tasks/detect/detector.ts";
import type { DetectionResult } from "./tasks/detect/results.ts";
import type { EmbedderOptions, Embedder as EmbedderTask } from "./tasks/embed/embedder.ts";
import type { EngineOptions } from "./tasks/engine/engine.ts";
import { type PictureSource, readPicture } from "./tasks/engine/pictures.ts";
import type { FaceAnalyzerOptions, FaceAnalyzer as FaceAnalyzerTask } from "./tasks/faces/face-analyzer.ts";
import type { LearntExample } from "./tasks/recognise/example-set.ts";
import type { RecogniserFit } from "./tasks/recognise/fit-recogniser.ts";
import type { LabelledPicture } from "./tasks/recognise/learn-pictures.ts";
import type { Recogniser as RecogniserTask } from "./tasks/recognise/recogniser.ts";
import type { RecogniserOptions } from "./tasks/recognise/recogniser-options.ts";
import type { RestorerOptions, Restorer as RestorerTask } from "./tasks/restore/restorer.ts";
import type { SegmentationResult } from "./tasks/segment/results.ts";
import type { SegmenterOptions, Segmenter as SegmenterTask } from "./tasks/segment/segmenter.ts";
import type { DenseStream, DetectionStreamOptions, SegmentationStreamOptions } from "./tasks/stream/dense-stream.ts";
import type { StreamClassifier as StreamClassifierTask, StreamOptions } from "./tasks/stream/stream-classifier.ts";
import type { VideoResult } from "./tasks/video/results.ts";
import type { VideoClassifier as VideoClassifierTask } from "./tasks/video/video-classifier.ts";
import type { VideoClassifierOptions } from "./tasks/video/video-options.ts";
import type { TextEmbedderOptions, TextEmbedder as TextEmbedderTask } from "./tasks/zero-shot/text-embedder.ts";
import type {
  ZeroShotClassifier as ZeroShotClassifierTask,
  ZeroShotOptions,
} from "./tasks/zero-shot/zero-shot-classifier.ts";
import type { Video } from "./video/video.ts";
import type { AuditOptions } from "./workflows/audit.ts";
import type { AuditFiles } from "./workflows/audit-files.ts";
import type { EvaluateOptions, ModelEvaluation } from "./workflows/evaluate.ts";
import type { ClipModelEvaluation, EvaluateClipsOptions } from "./workflows/evaluate-clips.ts";
import type { DenseModelEvaluation, EvaluateDenseOptions } from "./workflows/evaluate-dense.ts";
import type { EvaluatePairsOptions, PairEvaluation } from "./workflows/evaluate-pairs.ts";
import type { MergePlanOptions, RetryPlanOptions } from "./workflows/jobs/after-work.ts";
import type { JobTaskName } from "./workflows/jobs/job-tasks.ts";
import type { PlanOptions } from "./workflows/jobs/plan-jobs.ts";
import type { WorkPlanOptions } from "./workflows/jobs/work-plan.ts";
import type { LearnOptions, LearnResult } from "./workflows/learn.ts";
import type { PretrainOptions } from "./workflows/pretrain.ts";
import type { TrainOptions, TrainResult } from "./workflows/train-options.ts";

export { type DoubtfulExamples, doubtfulExamples, type ExampleDoubt } from "./audit/example-doubts.ts";
export type { AuditResult } from "./audit/result.ts";
export { type Box as PictureBox, boxIou, generalizedIou } from "./boxes/box.ts";
export { type CocoFinding, cocoAnnotation, cocoMask } from "./boxes/coco.ts";
export type { DrawPartsOptions } from "./boxes/draw.ts";
export { type Mask, maskArea, maskBox, maskIou, maskOf, maskPixels, printCounts, readCounts } from "./boxes/masks.ts";
export {
  AbortedError,
  FormatError,
  ImageError,
  type ImageErrorCode,
  LimitError,
  NetworkError,
  NotFoundError,
  SaccadeError,
  SessionError,
  ShapeError,
  UsageError,
  VideoError,
  type VideoErrorCode,
  WeightsMismatchError,
} from "./errors.ts";
export type { Accuracy, ClassAccuracy, Mistake } from "./evaluate/accuracy.ts";
export {
  type CategoryPrecision,
  DetectionMeter,
  type DetectionMetrics,
  type FoundThing,
  type TrueThing,
} from "./evaluate/dense/average-precision.ts";
export { hausdorff95 } from "./evaluate/dense/hausdorff.ts";
export { betweenEyes, normalizedMeanError } from "./evaluate/dense/landmarks.ts";
export { PanopticMeter, type PanopticMetrics } from "./evaluate/dense/panoptic-quality.ts";
export { SemanticMeter, type SemanticMetrics } from "./evaluate/dense/semantic.ts";
export { evaluateExits, exitShares, solveThresholds } from "./evaluate/early-exit.ts";
export type { ExplanationFormat } from "./evaluate/explain-video.ts";
export type { SheetFormat } from "./evaluate/sheet-file.ts";
export { type EarlyExitPoint, type StepEvaluation, StepMeter } from "./evaluate/steps.ts";
export type { ExplainVideoOptions } from "./evaluate/video-explanation.ts";
export {
  type AlignFaceOptions,
  alignFace,
  type FaceAlignment,
  type FacePoints,
  type Point,
} from "./image/align-face.ts";
export { type DrawGazeOptions, drawGaze } from "./image/explain.ts";
export { drawGlimpses, type Glimpse } from "./image/glimpses.ts";
export type { Pixels } from "./image/pixels.ts";
export type { DecodeOptions, RawImage } from "./image/raw-image.ts";
export type { Resolution } from "./image/resolution.ts";
export {
  drawTokens,
  type PatchFates,
  patchFates,
  type TokenGroups,
  type TokenStage,
  type TokenView,
} from "./image/token-groups.ts";
export type { FeatureViews, Jitter, Views } from "./image/views.ts";
export type { Merged } from "./jobs/merge.ts";
export type { Plan } from "./jobs/plan.ts";
export type { GivenUp, Heartbeat } from "./jobs/progress.ts";
export type { Retried } from "./jobs/retries.ts";
export type { JobsStatus, WorkerStatus } from "./jobs/status.ts";
export type { ShardFault, Verification as PlanVerification, VerifyOptions } from "./jobs/verify.ts";
export type { WorkResult } from "./jobs/worker.ts";
export {
  type FoldedAccuracy,
  type Verification,
  type VerificationOptions,
  verification,
} from "./learn/verification.ts";
export type { TokenDial } from "./model-folder/token-dial.ts";
export { type ModelDefinition, type RegisteredModel, registry } from "./models/registry.ts";
export type { ScoreKind } from "./onnx/score-kind.ts";
export { RandomSource } from "./random.ts";
export type { PictureOutcome } from "./retrieval/add-pictures.ts";
export type {
  AddPicturesOptions,
  IndexChanges,
  Match,
  PictureIndexOptions,
  SearchOptions,
} from "./retrieval/picture-index.ts";
export type { Device, RunOptions, Session, SessionOptions, ValueInfo } from "./runtime/session.ts";
export type { SessionLayout } from "./runtime/session-layout.ts";
export type {
  AdaptiveClassifyOptions,
  AdaptiveOptions,
  AdaptiveResult,
  AdaptiveScores,
  AdaptiveStep,
  Box,
} from "./tasks/classify/adaptive-classifier.ts";
export type { ClassifyOptions } from "./tasks/classify/classifier.ts";
export type { ExitOptions, StopReason } from "./tasks/classify/exit-rule.ts";
export type { ClassificationResult, ClassScores, GazeResult, GazeStage, Prediction } from "./tasks/classify/results.ts";
export type { DetectOptions, DetectorOptions } from "./tasks/detect/detector.ts";
export { drawDetections } from "./tasks/detect/draw-detections.ts";
export type { Detection, DetectionResult } from "./tasks/detect/results.ts";
export type { EmbedderOptions, EmbedOptions, FeatureOptions } from "./tasks/embed/embedder.ts";
export type { Projection } from "./tasks/embed/finish.ts";
export type { Pooling } from "./tasks/embed/pooling.ts";
export { type EmbeddingSpace, requireSameSpace } from "./tasks/embed/space.ts";
export type { EngineOptions } from "./tasks/engine/engine.ts";
export type { Answered } from "./tasks/engine/picture-stream.ts";
export type { PictureSource } from "./tasks/engine/pictures.ts";
export type { AnalyzeOptions, FaceAnalyzerOptions, FacePicture, FaceSource } from "./tasks/faces/face-analyzer.ts";
export type { Face, FacePart, FaceResult, HeadPose, Rated } from "./tasks/faces/results.ts";
export type { LearntExample } from "./tasks/recognise/example-set.ts";
export { fitExamples } from "./tasks/recognise/fit-examples.ts";
export type { Confusion, CrossValidated, HeadOptions, RecogniserFit } from "./tasks/recognise/fit-recogniser.ts";
export type { TextOptions } from "./tasks/recognise/label-texts.ts";
export type { LabelledPicture, PictureProblem } from "./tasks/recognise/learn-pictures.ts";
export type { Measured, Recognition } from "./tasks/recognise/recogniser.ts";
export type { RecogniserOptions } from "./tasks/recognise/recogniser-options.ts";
export type { RestorationResult, RestoreOptions, RestorerOptions } from "./tasks/restore/restorer.ts";
export { drawSegments } from "./tasks/segment/draw-segments.ts";
export { maskPng } from "./tasks/segment/mask-png.ts";
export type { Segment, Segmentation, SegmentationResult, SegmentMap } from "./tasks/segment/results.ts";
export type { SegmenterOptions, SegmentOptions } from "./tasks/segment/segmenter.ts";
export type {
  DenseStream,
  DenseStreamAnswer,
  DenseStreamOptions,
  DetectionStreamOptions,
  SegmentationStreamOptions,
} from "./tasks/stream/dense-stream.ts";
export type { LookOptions, LookReason } from "./tasks/stream/look-rule.ts";
export type { StreamAnswer, StreamCounts } from "./tasks/stream/results.ts";
export type { FollowOptions, StreamOptions } from "./tasks/stream/stream-classifier.ts";
export type {
  TimelineSegment,
  TimelineWindow,
  VideoResult,
  VideoViews,
} from "./tasks/video/results.ts";
export { timelineCsv, timelineCsvHeader, timelineSrt } from "./tasks/video/timeline-text.ts";
export type { ClassifiedVideo } from "./tasks/video/video-classifier.ts";
export type { ClassifyVideoOptions, VideoClassifierOptions, VideoProgress } from "./tasks/video/video-options.ts";
export { labelVectors, type PromptOptions } from "./tasks/zero-shot/label-vectors.ts";
export { DEFAULT_TEMPLATES } from "./tasks/zero-shot/prompts.ts";
export type { EmbedTextOptions, TextEmbedderOptions } from "./tasks/zero-shot/text-embedder.ts";
export type { ZeroShotClassifyOptions, ZeroShotOptions } from "./tasks/zero-shot/zero-shot-classifier.ts";
export type { DType, TensorData } from "./tensor.ts";
export type { EpochChoice, EpochSummary } from "./train/epoch-choice.ts";
export type { Evaluation as EpochEvaluation, FitReport, ProbeScore } from "./train/fit-options.ts";
export type { MeasuredChoice, MeasuredEpoch, PlaceScore } from "./train/measured-choice.ts";
export type { PretextInput } from "./train/pretext/fields.ts";
export type { DistillationInput, LookingInput, RecipeInput } from "./train/recipe-fields.ts";
export type { StagedRecipeInput } from "./train/staged-recipe.ts";
export { version } from "./version.ts";
export {
  type Clip,
  type ClipPlacement,
  type ClipPolicy,
  clipsAtRandomIndices,
  clipsAtRandomTimestamps,
  clipsAtRegularIndices,
  clipsAtRegularTimestamps,
  clipsOfSegments,
  type TimedClip,
} from "./video/clips.ts";
export { type ClipPlan, describePlanCost, plannedClips } from "./video/evaluation-plan.ts";
export type { ClipGaze, ClipGazeStage } from "./video/gaze.ts";
export { type PacedOptions, pacedFrames } from "./video/paced-frames.ts";
export { type ReadClip, readClips } from "./video/read-clips.ts";
export type {
  Frame,
  LiveFrames,
  LiveOptions,
  LiveSource,
  OpenVideoOptions,
  Video,
  VideoFacts,
  VideoLimits,
  VideoSource,
} from "./video/video.ts";
export type { AuditOptions } from "./workflows/audit.ts";
export type { AuditFiles } from "./workflows/audit-files.ts";
export type { EvaluateOptions, ModelEvaluation } from "./workflows/evaluate.ts";
export type { ClipModelEvaluation, EvaluateClipsOptions } from "./workflows/evaluate-clips.ts";
export type { DenseModelEvaluation, EvaluateDenseOptions } from "./workflows/evaluate-dense.ts";
export type { EvaluatePairsOptions, PairEvaluation, ScoredPair } from "./workflows/evaluate-pairs.ts";
export type { MergePlanOptions, RetryPlanOptions } from "./workflows/jobs/after-work.ts";
export type { JobOptions } from "./workflows/jobs/job-options.ts";
export type { JobTaskName } from "./workflows/jobs/job-tasks.ts";
export type { PlanOptions } from "./workflows/jobs/plan-jobs.ts";
export type { WorkPlanOptions } from "./workflows/jobs/work-plan.ts";
export type { LearnOptions, LearnResult } from "./workflows/learn.ts";
export type { PretrainOptions } from "./workflows/pretrain.ts";
export type { ProbeOptions, TrainOptions, TrainPlan, TrainResult } from "./workflows/train-options.ts";

/** Names what is in pictures. */
export type Classifier = ClassifierTask;

export const Classifier = {
  /**
   * Loads a model: a registered or bundled name, a model folder, a checkpoint, an ONNX file, or the bytes of one of these files (in memory, as a
   * Blob, or as the Response of a fetch).
   *
   * @example
   * const classifier = await Classifier.load("saccade/photographs");
   * console.log((await classifier.classify("photo.jpg")).predictions);
   */
  load: async (source: ModelFileSource, options?: EngineOptions): Promise<Classifier> =>
    (await import("./tasks/classify/classifier.ts")).loadClassifier(nodeHost, source, options),
};

/** Names what is in pictures, and looks only as long as it must. */
export type AdaptiveClassifier = AdaptiveClassifierTask;

export const AdaptiveClassifier = {
  /**
   * Loads a model that runs in steps (a GFNet), each of which has an answer.
   *
   * @throws UsageError when the model has no steps
   * @example
   * const classifier = await AdaptiveClassifier.load("gfnet_resnet50_96.pth.tar");
   * const { predictions, steps, stopped } = await classifier.classify("photo.jpg", { threshold: 0.9, budgetMs: 50 });
   */
  load: async (source: ModelFileSource, options?: EngineOptions): Promise<AdaptiveClassifier> =>
    (await import("./tasks/classify/adaptive-classifier.ts")).loadAdaptiveClassifier(nodeHost, source, options),
};

/** Names what happens in videos. */
export type VideoClassifier = VideoClassifierTask;

export const VideoClassifier = {
  /**
   * Loads a model that sees clips, or one of pictures, whose answers for frames are averaged. The same kinds of sources as `Classifier.load`.
   *
   * @throws UsageError when it gives embeddings instead of class scores
   * @example
   * await using classifier = await VideoClassifier.load("saccade/photographs");
   * const { predictions, views } = await classifier.classify("clip.mp4");
   * console.log(predictions[0], views.cost);
   * const { segments = [] } = await classifier.classify("film.mp4", { every: 1 });
   * for (const { start, end, label, score } of segments) console.log(start, end, label, score);
   */
  load: async (source: ModelFileSource, options?: VideoClassifierOptions): Promise<VideoClassifier> =>
    (await import("./tasks/video/video-classifier.ts")).loadVideoClassifier(nodeHost, source, options),
};

/** Names what is in moving pictures as they come, and looks where they changed. */
export type StreamClassifier = StreamClassifierTask;

export const StreamClassifier = {
  /**
   * Loads a model to follow one source with.
   *
   * @throws UsageError for `steps` with a model that cannot take them
   * @example
   * await using stream = await StreamClassifier.load("saccade/photographs");
   * for await (const { seconds, predictions, look } of stream.follow(await openLive({ kind: "camera" })))
   *   console.log(seconds.toFixed(1), predictions[0]?.label, look);
   */
  load: async (source: ModelFileSource, options?: StreamOptions): Promise<StreamClassifier> =>
    (await import("./tasks/stream/stream-classifier.ts")).loadStream(nodeHost, source, options),
};

/** Finds things on pictures. */
export type Detector = DetectorTask;

export const Detector = {
  /**
   * Loads a model that says where things are. The same kinds of sources as `Classifier.load`.
   *
   * @throws UsageError when it answers something else
   * @example
   * await using detector = await Detector.load("runs/scenes/best");
   * const { detections } = await detector.detect("photo.jpg", { threshold: 0.5 });
   * for (const { label, score, box } of detections) console.log(label, score, box);
   */
  load: async (source: ModelFileSource, options?: DetectorOptions): Promise<Detector> =>
    (await import("./tasks/detect/detector.ts")).loadDetector(nodeHost, source, options),
};

/** Says which pixels of pictures are what. */
export type Segmenter = SegmenterTask;

export const Segmenter = {
  /**
   * Loads a model of classes of pixels, or of masks with classes. The same kinds of sources as `Classifier.load`.
   *
   * @throws UsageError when it answers something else
   * @example
   * await using segmenter = await Segmenter.load("runs/scenes/best");
   * const result = await segmenter.segment("photo.jpg");
   * for (const { label, share, box } of result.segments) console.log(label, share, box);
   * await writeFile("mask.png", maskPng(result));
   */
  load: async (source: ModelFileSource, options?: SegmenterOptions): Promise<Segmenter> =>
    (await import("./tasks/segment/segmenter.ts")).loadSegmenter(nodeHost, source, options),
};

/** Finds things in moving pictures as they come. */
export type DetectionStream = DenseStream<DetectionResult>;

export const DetectionStream = {
  /**
   * Loads a model that says where things are to follow one source with.
   *
   * @throws UsageError when it answers something else
   * @example
   * await using stream = await DetectionStream.load("runs/scenes/best", { threshold: 0.5 });
   * for await (const { seconds, result } of stream.follow(await openLive({ kind: "camera" })))
   *   console.log(seconds.toFixed(1), result.detections.map(({ label }) => label));
   */
  load: async (source: ModelFileSource, options?: DetectionStreamOptions): Promise<DetectionStream> =>
    (await import("./tasks/stream/dense-stream.ts")).loadDetectionStream(nodeHost, source, options),
};

/** Says which pixels of moving pictures are what, as they come. */
export type SegmentationStream = DenseStream<SegmentationResult>;

export const SegmentationStream = {
  /** Loads a model of classes of pixels, or of masks with classes, to follow one source with. Throws UsageError when it answers something else. */
  load: async (source: ModelFileSource, options?: SegmentationStreamOptions): Promise<SegmentationStream> =>
    (await import("./tasks/stream/dense-stream.ts")).loadSegmentationStream(nodeHost, source, options),
};

/** Turns pictures into vectors. */
export type Embedder = EmbedderTask;

export const Embedder = {
  load: async (source: ModelFileSource, options?: EmbedderOptions): Promise<Embedder> =>
    (await import("./tasks/embed/embedder.ts")).loadEmbedder(nodeHost, source, options),
};

/** Says what faces are like. */
export type FaceAnalyzer = FaceAnalyzerTask;

export const FaceAnalyzer = {
  /**
   * Loads a model of faces (FaceXFormer). Where faces are, the caller says: a picture without boxes is one face.
   *
   * @throws UsageError when it answers something else
   * @example
   * await using analyzer = await FaceAnalyzer.load("facexformer");
   * const { faces } = await analyzer.analyze({ picture: "group.jpg", faces: [[40, 60, 120, 160]] });
   * for (const { landmarks, pose, age } of faces) console.log(landmarks.length, pose.yaw, age[0]?.label);
   */
  load: async (source: ModelFileSource, options?: FaceAnalyzerOptions): Promise<FaceAnalyzer> =>
    (await import("./tasks/faces/face-analyzer.ts")).loadFaceAnalyzer(nodeHost, source, options),
};

/** Gives pictures back as they should be. */
export type Restorer = RestorerTask;

export const Restorer = {
  /**
   * Loads a model that answers with pictures. Pictures of any size go through it in tiles, in bounded memory.
   *
   * @throws UsageError when it answers something else
   * @example
   * await using restorer = await Restorer.load("runs/reflections/best");
   * const { picture, tiles } = await restorer.restore("window.jpg");
   * console.log(picture.width, picture.height, tiles);
   */
  load: async (source: ModelFileSource, options?: RestorerOptions): Promise<Restorer> =>
    (await import("./tasks/restore/restorer.ts")).loadRestorer(nodeHost, source, options),
};

/** Pictures in a folder on the disk, by what they look like. */
export type PictureIndex = PictureIndexTask;

export const PictureIndex = {
  /**
   * Opens the index in a folder. Where there is none it is made when pictures are added, with the model that is named.
   *
   * @throws NotFoundError when there is none and no model is named; FormatError for a folder of something else, and for a damaged manifest
   * @example
   * await using index = await PictureIndex.open("photos-index", { model: "saccade/photographs" });
   * await index.add(["a.jpg", "b.jpg"]);
   * for (const { path, score } of await index.search("c.jpg", { topK: 5 })) console.log(path, score);
   */
  open: async (folder: string, options?: PictureIndexOptions): Promise<PictureIndex> =>
    (await import("./retrieval/picture-index.ts")).PictureIndex.open(nodeHost, folder, options),
};

/** Turns texts into vectors that pictures' are compared with. */
export type TextEmbedder = TextEmbedderTask;

export const TextEmbedder = {
  /**
   * Loads a text model: a registered name, a model folder with its vocabulary, or a checkpoint with one beside it.
   *
   * @throws NotFoundError without weights or a vocabulary; UsageError for a model of pictures
   * @example
   * const texts = await TextEmbedder.load("clip_text_vit_b16");
   * const embedder = await Embedder.load("sparseformer_btsp_openai_clip_base");
   * const [text, picture] = [await texts.embed("a photo of a sheep"), await embedder.embed("photo.jpg")];
   * console.log(text.reduce((sum, value, i) => sum + value * picture[i]!, 0)); // the cosine
   */
  load: async (source: ModelFileSource, options?: TextEmbedderOptions): Promise<TextEmbedder> =>
    (await import("./tasks/zero-shot/text-embedder.ts")).loadTextEmbedder(nodeHost, source, options),
};

/** Names what is in pictures among labels that are given with them. */
export type ZeroShotClassifier = ZeroShotClassifierTask;

export const ZeroShotClassifier = {
  /**
   * Loads a model of pictures and the text model that belongs to it.
   *
   * @throws UsageError for a model without a text model
   * @example
   * const classifier = await ZeroShotClassifier.load("sparseformer_btsp_openai_clip_base");
   * const { predictions } = await classifier.classify("photo.jpg", ["a sheep", "a boat", "a dog"]);
   * await classifier.dispose();
   */
  load: async (source: ModelFileSource, options?: ZeroShotOptions): Promise<ZeroShotClassifier> =>
    (await import("./tasks/zero-shot/zero-shot-classifier.ts")).loadZeroShot(nodeHost, source, options),
};

/** Names what it was shown a few pictures of; learns more, and forgets. */
export type Recogniser = RecogniserTask;

export const Recogniser = {
  /**
   * Learns classes from a few pictures of each, on the features of any model.
   *
   * @throws UsageError for fewer than two classes, or two pictures of one
   * @example
   * const recogniser = await Recogniser.learn("saccade/photographs", [
   *   { picture: "tea-1.jpg", label: "tea" }, { picture: "tea-2.jpg", label: "tea" },
   *   { picture: "mug-1.jpg", label: "mug" }, { picture: "mug-2.jpg", label: "mug" },
   * ], { unknown: 0.05 });
   * const { predictions, unknown } = await recogniser.classify("photo.jpg");
   * await recogniser.save("my-model");
   */
  learn: async (
    source: ModelFileSource,
    pictures: Iterable<LabelledPicture> | AsyncIterable<LabelledPicture>,
    options?: RecogniserOptions,
  ): Promise<Recogniser> =>
    (await import("./tasks/recognise/recogniser.ts")).Recogniser.learn(nodeHost, source, pictures, options),
  /**
   * Learns classes from pictures whose features are known already: nothing goes through the model.
   *
   * @param options `fit` is what `fitExamples` made of the same examples, perhaps in another thread
   * @throws UsageError for features of another width, fewer than two classes, or fewer than two pictures of one
   */
  fromExamples: async (
    source: ModelFileSource,
    examples: Iterable<LearntExample>,
    options?: Omit<RecogniserOptions, "text"> & { readonly fit?: RecogniserFit },
  ): Promise<Recogniser> =>
    (await import("./tasks/recognise/recogniser.ts")).Recogniser.fromExamples(nodeHost, source, examples, options),
  /**
   * Opens what `save` wrote, to learn on.
   *
   * @example
   * const recogniser = await Recogniser.load("my-model");
   * await recogniser.add([{ picture: "spoon-1.jpg", label: "spoon" }, { picture: "spoon-2.jpg", label: "spoon" }]);
   * await recogniser.forget("mug");
   * await recogniser.save("my-model");
   */
  load: async (folder: string, options?: RecogniserOptions): Promise<Recogniser> =>
    (await import("./tasks/recognise/recogniser.ts")).Recogniser.load(nodeHost, folder, options),
};

/**
 * Learns from labelled pictures into a model folder, or changes what one has learnt: what `saccade learn` does.
 *
 * @example const { fit } = await learn("flowers", { out: "my-flowers", unknown: 0.05 });
 */
export const learn = async (data: string | undefined, options: LearnOptions): Promise<LearnResult> =>
  (await import("./workflows/learn.ts")).learn({ ...nodeTrainingHost, ...nodeHost }, data, options);

/**
 * Trains a recogniser on labelled pictures, or goes on with a run that was stopped.
 *
 * @param data a folder, list or archive of labelled pictures; undefined to resume a run, which knows its own
 * @example
 * const { model, choice } = await train("flowers", { epochs: 6, onEpoch: (epoch, _, scores) => console.log(epoch, scores?.top1) });
 */
export const train = async (data: string | undefined, options?: TrainOptions): Promise<TrainResult> =>
  (await import("./workflows/train.ts")).train(nodeTrainingHost, data, options);

/**
 * Trains a model's features on pictures without labels, or goes on with a run that was stopped. What comes out is for `train` (`from`), `learn` and `Embedder`.
 *
 * @param pictures a folder or a list of pictures; undefined to resume a run, which knows its own
 * @example
 * const { model } = await pretrain("pictures", { objective: "rotation", model: "resnet18", size: 64 });
 * await train("flowers", { from: model });
 */
export const pretrain = async (pictures: string | undefined, options?: PretrainOptions): Promise<TrainResult> =>
  (await import("./workflows/pretrain.ts")).pretrain(nodeTrainingHost, pictures, options);

/**
 * Measures a model on labelled pictures.
 *
 * @example console.log((await evaluate("runs/fine-tune/best", "flowers")).accuracy.top1Interval);
 */
export const evaluate = async (model: string, data: string, options?: EvaluateOptions): Promise<ModelEvaluation> =>
  (await import("./workflows/evaluate.ts")).evaluate(nodeTrainingHost, model, data, options);

/**
 * Measures a detector or a segmenter on annotated pictures: COCO's average precision; mIoU and Dice; panoptic quality.
 *
 * @param data COCO, Pascal VOC, YOLO, LabelMe, or pictures with masks as PNG
 * @example console.log((await evaluateDense("runs/scenes/best", "coco")).boxes?.ap);
 */
export const evaluateDense = async (
  model: string,
  data: string,
  options?: EvaluateDenseOptions,
): Promise<DenseModelEvaluation> =>
  (await import("./workflows/evaluate-dense.ts")).evaluateDense(nodeTrainingHost, model, data, options);

/**
 * Measures a model on labelled videos: one of videos, or one of pictures, whose answers for frames are averaged.
 *
 * @param data class folders of videos, animations or folders of frames, or a list of them
 * @example console.log((await evaluateClips("runs/motion/best", "clips", { clips: 3 })).accuracy.top1);
 */
export const evaluateClips = async (
  model: string,
  data: string,
  options?: EvaluateClipsOptions,
): Promise<ClipModelEvaluation> =>
  (await import("./workflows/evaluate-clips.ts")).evaluateClips(nodeTrainingHost, model, data, options);

/**
 * Measures how well a model's embeddings tell whether two pictures show the same: faces, things, copies.
 *
 * @param pairs a list of pairs: first, second, same and perhaps fold, as CSV or JSON lines; or LFW's pairs.txt
 * @example
 * const { eer, accuracy } = await evaluatePairs("my-faces", "pairs.csv", { landmarks: "points.csv" });
 * console.log(eer, accuracy.mean, accuracy.threshold);
 */
export const evaluatePairs = async (
  model: string,
  pairs: string,
  options?: EvaluatePairsOptions,
): Promise<PairEvaluation> =>
  (await import("./workflows/evaluate-pairs.ts")).evaluatePairs(nodeTrainingHost, model, pairs, options);

/**
 * Looks for what is wrong with labelled pictures: labels, copies, odd ones. The data is never changed.
 *
 * @example
 * const found = await audit("flowers");
 * for (const { picture, suggested } of found.labels?.doubts ?? [])
 *   console.log(found.set.pictures[picture]!.name, "looks like", found.classNames[suggested]);
 */
export const audit = async (data: string, options?: AuditOptions): Promise<AuditResult> =>
  (await import("./workflows/audit.ts")).audit(nodeTrainingHost, data, options);

/** Writes an audit as a page with the pictures, as JSON, and its suggestions as a table to edit: what `saccade audit --out` does. */
export const writeAuditReport = async (
  result: AuditResult,
  folder: string,
  options?: AuditReportOptions,
): Promise<AuditFiles> =>
  (await import("./workflows/audit-files.ts")).writeAudit(nodeTrainingHost, result, folder, options);

const jobsHost = async () => (await import("./platform/node/jobs-host.ts")).nodeJobsHost;
const afterWork = () => import("./workflows/jobs/after-work.ts");

/**
 * Freezes a batch job: which pictures, with what model, in which shards. See docs/jobs.md.
 *
 * @param sources folders, lists, tar or Parquet files, pictures; of the disk, or s3://BUCKET/PREFIX
 * @throws UsageError, NotFoundError, FormatError; SaccadeError "data" where there is no picture
 * @example
 * const { plan } = await planJobs(["photos"], { folder: "photos-plan", task: "classify", model: "saccade/photographs", options: { topK: 3 } });
 * console.log(plan.rows, plan.hash);
 */
export const planJobs = async <T extends JobTaskName>(
  sources: readonly string[],
  options: PlanOptions<T>,
): Promise<Pick<PlanFolder, "folder" | "plan">> =>
  (await import("./workflows/jobs/plan-jobs.ts")).planJobs(await jobsHost(), sources, options);

/**
 * Works on a plan, together with others, until nothing is left or the signal fires. Shards are computed in a process of their own.
 *
 * @param plan its folder, or s3://BUCKET/PREFIX
 * @throws UsageError, NotFoundError; SaccadeError "plan_version", "plan_model", and of a queue or a disk that stays at fault
 * @example
 * const { rows, failed } = await workPlan("photos-plan", { queue: process.env.SACCADE_QUEUE!, onHeartbeat: ({ rows }) => console.log(rows) });
 */
export const workPlan = async (plan: string, options?: WorkPlanOptions): Promise<WorkResult> =>
  (await import("./workflows/jobs/work-plan.ts")).workPlan(await jobsHost(), plan, options);

/**
 * How far a plan is, and who works on it.
 *
 * @throws NotFoundError, FormatError
 * @example const { doneRows, rows, secondsLeft } = await statusOfPlan("photos-plan");
 */
export const statusOfPlan = async (plan: string): Promise<JobsStatus> =>
  (await afterWork()).statusOfPlan(await jobsHost(), plan);

/**
 * Puts rows with an error and shards that were given up back, for workers to do again.
 *
 * @throws NotFoundError, FormatError
 * @example await retryPlan("photos-plan", { codes: ["network"] });
 */
export const retryPlan = async (plan: string, options?: RetryPlanOptions): Promise<Retried> =>
  (await afterWork()).retryPlan(await jobsHost(), plan, options);

/**
 * Checks every part of a plan against its marker and the manifest.
 *
 * @throws NotFoundError, FormatError
 * @example const { faults, missing } = await verifyPlan("photos-plan", { repairs: true });
 */
export const verifyPlan = async (plan: string, options?: VerifyOptions): Promise<PlanVerification> =>
  (await afterWork()).verifyPlan(await jobsHost(), plan, options);

/**
 * All answers of a plan as one file, .parquet or .jsonl by its name.
 *
 * @throws UsageError for another name, SaccadeError "unfinished" where shards are missing
 * @example const { rows, sha256 } = await mergePlan("photos-plan", "answers.parquet");
 */
export const mergePlan = async (plan: string, output: string, options?: MergePlanOptions): Promise<Merged> =>
  (await afterWork()).mergePlan(await jobsHost(), plan, output, options);

/** Sessions over any ONNX bytes, in worker threads. */
export const createSession = nodeHost.createSession;
/** Pictures to pixels. */
export const decodeImage = (picture: PictureSource, options?: DecodeOptions): Promise<RawImage> =>
  readPicture(nodeHost, picture, options);
/**
 * Opens a video file, a folder of frames or an animation; frames are decoded as they are taken.
 *
 * @throws NotFoundError, LimitError; VideoError, "video_decoder_missing" where nothing here decodes it
 * @example
 * await using video = await openVideo("clip.mp4");
 * const clips = clipsAtRegularTimestamps(await video.timestamps(), { secondsBetweenClips: 1, frames: 8 });
 * for await (const { clip, frames } of readClips(video, clips, ({ image }) => image)) console.log(clip, frames.length);
 */
export const openVideo = nodeHost.openVideo;
/**
 * Opens a camera, an address or standard input: whoever takes a frame gets the newest.
 *
 * @throws UsageError, NotFoundError, NetworkError, LimitError; VideoError
 * @example await using frames = await openLive({ kind: "address", url: "rtsp://192.168.1.20/stream" }, { longerSide: 640 });
 */
export const openLive = nodeHost.openLive;
/** Pixels to PNG bytes. */
export const encodePng = (pixels: Pixels): Promise<Uint8Array> => nodeHost.encodePng(rgbPixels(pixels));

/**
 * What `drawGaze` draws, as the bytes of a file, with labels in the system's typefaces: what `saccade classify --explain` writes.
 *
 * @param options `format` is "png" (default), "svg" or "html", which keep labels of any script as text
 * @example
 * const classifier = await Classifier.load("saccade/photographs");
 * const { gaze } = await classifier.classify(image, { explain: true });
 * if (gaze) await writeFile("looked.png", await encodeGaze(image, gaze, { headline: ["guinea pig 83 %"] }));
 */
export const encodeGaze = async (
  picture: Pixels,
  gaze: Gaze,
  { format = "png", ...options }: DrawGazeOptions & { readonly format?: SheetFormat } = {},
): Promise<Uint8Array> => encodeSheet(gazeSheet(picture, gaze, options), format, nodeHost);

/**
 * Where a model looked in a video, drawn over it, as the bytes of a file: what `saccade classify clip.mp4 --explain` writes.
 *
 * @param result from `VideoClassifier.classify` with `explain`
 * @param options `format`: "mp4" (needs ffmpeg), "webp", or "html", a page with a slider
 * @throws UsageError for a result without a gaze; VideoError, "video_decoder_missing"
 * @example
 * await using classifier = await VideoClassifier.load("saccade/photographs");
 * await using video = await openVideo("clip.mp4");
 * const result = await classifier.classify(video, { frames: 32, explain: "last" });
 * await writeFile("looked.mp4", await encodeVideoGaze(video, result, { format: "mp4" }));
 */
export const encodeVideoGaze = async (
  video: Video,
  result: VideoResult,
  options: ExplainVideoOptions & { readonly format: ExplanationFormat },
): Promise<Uint8Array> => (await import("./evaluate/explain-video.ts")).explainVideo(nodeHost, video, result, options);

/** What `drawGlimpses` draws, as `encodeGaze` makes files. */
export const encodeGlimpses = async (
  picture: Pixels,
  glimpses: readonly Glimpse[],
  { format = "png", ...options }: SheetOptions & { readonly format?: SheetFormat } = {},
): Promise<Uint8Array> => encodeSheet(glimpseSheet(picture, glimpses, options), format, nodeHost);

/** What `drawTokens` draws, as `encodeGaze` makes files. */
export const encodeTokens = async (
  picture: Pixels,
  tokens: TokenGroups,
  { format = "png", ...options }: SheetOptions & { readonly format?: SheetFormat } = {},
): Promise<Uint8Array> => encodeSheet(tokenSheet(picture, tokens, options), format, nodeHost);
