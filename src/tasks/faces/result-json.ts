// Faces as JSON: names as in files, masks as COCO's compressed runs.
import { cocoMask } from "../../boxes/coco.ts";
import type { FaceResult } from "./results.ts";

const rounded = (value: number) => Math.round(value * 1e4) / 1e4;

export function faceResultJson({ faces, picture }: FaceResult) {
  return {
    ...picture,
    faces: faces.map(({ box, landmarks, visibility, pose, attributes, age, gender, race, parts }) => ({
      box,
      landmarks: landmarks.map((point) => point.map((place) => Math.round(place * 100) / 100)),
      visibility: visibility.map(rounded),
      pose: { pitch: rounded(pose.pitch), yaw: rounded(pose.yaw), roll: rounded(pose.roll) },
      attributes: Object.fromEntries(attributes.map(({ label, score }) => [label, rounded(score)])),
      ...Object.fromEntries(
        Object.entries({ age, gender, race }).map(([name, all]) => [
          name,
          all.map(({ label, score }) => ({ label, score: rounded(score) })),
        ]),
      ),
      parts: parts.map(({ index, label, mask }) => ({ index, label, mask: cocoMask(mask) })),
    })),
  };
}
