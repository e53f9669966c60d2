// What models answer, and by which outputs: the contract between architectures and tasks. Values are in the model's own space; tasks bring them to the
// user's picture.
import type { Dim, Shape } from "../graph/dimensions.ts";

/**
 * What a model says of a picture, and the outputs that say it:
 *
 * - "classes": class scores of it, `logits` (N, classes)
 * - "embedding": a vector to compare with others, `logits` (N, width)
 * - "semantic": class scores of its places, `logits` (N, classes, h, w) at any stride; the largest is the answer
 * - "detections": `boxes` (N, Q, 4), centre x, centre y, width and height in 0..1 of the network's input, and `logits` (N, Q, classes), whose sigmoid is the
 *   score of a class. Where several may be of one thing, `Architecture.suppression` says from which overlap on
 * - "queries": masks with their classes, `class_logits` (N, Q, classes + 1), the last one "nothing", and `mask_logits` (N, Q, h, w) at any stride
 * - "faces": what FaceXFormer says of a face, eight outputs
 * - "picture": another picture, `picture` (N, 3, H, W), of values from 0 to 1
 */
export const ANSWERS = ["classes", "embedding", "semantic", "detections", "queries", "faces", "picture"] as const;
export type Answers = (typeof ANSWERS)[number];

/** The outputs that each kind of answer is read from, the one with the classes first where there is one. Models may have others too. */
export const ANSWER_OUTPUTS: Readonly<Record<Answers, readonly [string, ...string[]]>> = {
  classes: ["logits"],
  embedding: ["logits"],
  semantic: ["logits"],
  detections: ["logits", "boxes"],
  queries: ["class_logits", "mask_logits"],
  faces: ["masks", "landmarks", "pose", "attributes", "age", "gender", "race", "visibility"],
  picture: ["picture"],
};

/** What a model says of a picture in words, for messages that refuse it: "says of every pixel what it is". */
export const ANSWERS_IN_WORDS: Readonly<Record<Answers, string>> = {
  classes: "says what a picture shows",
  embedding: "gives image embeddings, not classes",
  semantic: "says of every pixel what it is, not of the picture",
  detections: "says where things are, not what a picture shows",
  queries: "says which pixels are of which thing, not what a picture shows",
  faces: "says what a face is like, not what a picture shows",
  picture: "gives another picture, not classes",
};

export function isAnswers(text: string | undefined): text is Answers {
  return (ANSWERS as readonly (string | undefined)[]).includes(text);
}

/**
 * How many classes the first output of an answer is about, by its shape; undefined where it is about none.
 *
 * @example classesOf("semantic", ["batch", 150, 128, 128]) // 150
 */
export function classesOf(answers: Answers, shape: Shape): Dim | undefined {
  switch (answers) {
    case "classes":
    case "detections":
      return shape.at(-1);
    case "semantic":
      return shape[1];
    case "queries": {
      const columns = shape.at(-1);
      return typeof columns === "number" ? columns - 1 : undefined;
    }
    case "embedding":
    case "faces":
    case "picture":
      return undefined;
  }
}
