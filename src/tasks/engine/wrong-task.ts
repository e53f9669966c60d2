// What is said where a model answers something else than a task asks, and where to go with it instead.
import { UsageError } from "../../errors.ts";
import { ANSWERS_IN_WORDS, type Answers } from "../../models/answers.ts";

const ELSEWHERE: Readonly<Record<Answers, string>> = {
  classes: "saccade classify asks it (Classifier.load)",
  embedding:
    "name what to look for: --as 'a sheep, a boat' (ZeroShotClassifier.load), or compare pictures: saccade embed (Embedder.load)",
  semantic: "saccade segment asks it (Segmenter.load); saccade embed gives features of pictures (Embedder.load)",
  queries: "saccade segment asks it (Segmenter.load)",
  detections: "saccade detect asks it (Detector.load)",
  faces: "saccade faces asks it (FaceAnalyzer.load)",
  picture: "saccade restore asks it (Restorer.load)",
};

/** @param name of the model */
export function wrongTask(name: string, answers: Answers): UsageError {
  return new UsageError(`${name} ${ANSWERS_IN_WORDS[answers]}`, ELSEWHERE[answers]);
}
