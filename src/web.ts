/// <reference lib="esnext.disposable" preserve="true" />
// The public entry for pages and their workers: the library bound to the browser. The names are those of the entry for Node.
import type { Files } from "./platform/host.ts";
import { webFiles } from "./platform/web/host.ts";

export { type DoubtfulExamples, doubtfulExamples, type ExampleDoubt } from "./audit/example-doubts.ts";
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
export { benchToCsv } from "./evaluate/bench/csv.ts";
export type { BenchHooks, BenchProgress } from "./evaluate/bench/hooks.ts";
export { type BenchReport, type BenchRow, printBenchReport } from "./evaluate/bench/report.ts";
export {
  type BenchColumn,
  benchColumns,
  benchIntroduction,
  benchLegend,
  benchToMarkdown,
} from "./evaluate/bench/table.ts";
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
export type { SheetFormat } from "./evaluate/sheet-file.ts";
export { type EarlyExitPoint, type StepEvaluation, StepMeter } from "./evaluate/steps.ts";
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
export {
  AdaptiveClassifier,
  Classifier,
  StreamClassifier,
  ZeroShotClassifier,
  type ZeroShotOptions,
} from "./in-page/classify.ts";
export { DetectionStream, Detector, SegmentationStream, Segmenter } from "./in-page/dense.ts";
export { Embedder, TextEmbedder } from "./in-page/embed.ts";
export { FaceAnalyzer, type PageFaceSource } from "./in-page/faces.ts";
export {
  type BenchedModel,
  bench,
  createSession,
  describeModel,
  exportOnnx,
  type PageBenchOptions,
  pullModel,
} from "./in-page/models.ts";
export { decodeImage, encodeGaze, encodeGlimpses, encodePng, encodeTokens } from "./in-page/pictures.ts";
export { Recogniser } from "./in-page/recogniser.ts";
export { Restorer } from "./in-page/restore.ts";
export type { LabelledPicture, PictureSource } from "./in-page/sources.ts";
export { isResumable, readMetrics, type TrainOptions, train } from "./in-page/train.ts";
export { type ClassifiedVideo, openVideo, VideoClassifier, type VideoSource } from "./in-page/videos.ts";
export {
  type FoldedAccuracy,
  type Verification,
  type VerificationOptions,
  verification,
} from "./learn/verification.ts";
export type { ModelFacts } from "./model-folder/model-facts.ts";
export type { TokenDial } from "./model-folder/token-dial.ts";
export { type ModelDefinition, type RegisteredModel, registry } from "./models/registry.ts";
export type { ScoreKind } from "./onnx/score-kind.ts";
export type { FileEntry, Files } from "./platform/host.ts";
export type {
  TrainingPicture,
  TrainingPictureSource,
  WebDataSource as DataSource,
} from "./platform/web/data-source.ts";
export type { DownloadProgress } from "./platform/web/download.ts";
export type { EngineFiles } from "./platform/web/engine-files.ts";
export type { WebModelSource as ModelSource } from "./platform/web/model-source.ts";
export { type CachedModel, cachedModels, forgetModels } from "./platform/web/pulled-models.ts";
export { configure, type WebSettings } from "./platform/web/settings.ts";
export { RandomSource } from "./random.ts";
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
export type { AnalyzeOptions, FaceAnalyzerOptions, FacePicture, FaceSource } from "./tasks/faces/face-analyzer.ts";
export type { Face, FacePart, FaceResult, HeadPose, Rated } from "./tasks/faces/results.ts";
export type { LearntExample } from "./tasks/recognise/example-set.ts";
export { fitExamples } from "./tasks/recognise/fit-examples.ts";
export type { Confusion, CrossValidated, HeadOptions, RecogniserFit } from "./tasks/recognise/fit-recogniser.ts";
export type { TextOptions } from "./tasks/recognise/label-texts.ts";
export type { PictureProblem } from "./tasks/recognise/learn-pictures.ts";
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
export type { TimelineSegment, TimelineWindow, VideoResult, VideoViews } from "./tasks/video/results.ts";
export { timelineCsv, timelineCsvHeader, timelineSrt } from "./tasks/video/timeline-text.ts";
export type { ClassifyVideoOptions, VideoClassifierOptions, VideoProgress } from "./tasks/video/video-options.ts";
export { labelVectors, type PromptOptions } from "./tasks/zero-shot/label-vectors.ts";
export { DEFAULT_TEMPLATES } from "./tasks/zero-shot/prompts.ts";
export type { EmbedTextOptions, TextEmbedderOptions } from "./tasks/zero-shot/text-embedder.ts";
export type { ZeroShotClassifyOptions } from "./tasks/zero-shot/zero-shot-classifier.ts";
export type { DType, TensorData } from "./tensor.ts";
export type { EpochChoice, EpochSummary } from "./train/epoch-choice.ts";
export type { Evaluation as EpochEvaluation, FitReport } from "./train/fit-options.ts";
export type { MeasuredChoice, MeasuredEpoch, PlaceScore } from "./train/measured-choice.ts";
export type { DistillationInput, LookingInput, RecipeInput } from "./train/recipe-fields.ts";
export type { MetricRecord } from "./train/run/metrics-log.ts";
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
export type { Frame, LiveFrames, OpenVideoOptions, Video, VideoFacts, VideoLimits } from "./video/video.ts";
export type { ExportModelOptions } from "./workflows/export-model.ts";
export type { TrainPlan, TrainResult } from "./workflows/train-options.ts";

/** What the browser keeps for this library: saved models, runs, whatever a page puts there. In memory where the browser keeps nothing. */
export const files: Files = webFiles;
