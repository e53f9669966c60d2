// Clips that a tiny video model learns from: the shapes of shapes.ts, one after the other.
import { createDataset, type Dataset } from "../../src/data/dataset.ts";
import { LABELS, SIZE, shapePicture, TINY_CONFIG } from "./shapes.ts";

export const CLIP_FRAMES = 4;

/** Five shapes one after the other; the class is which shape comes first. */
export function shapeClips(perClass: number, first = 0): Dataset {
  const label = (index: number) => index % LABELS.length;
  const size = 3 * SIZE * SIZE;
  return createDataset({
    labels: LABELS,
    targets: Int32Array.from({ length: LABELS.length * perClass }, (_, index) => label(index)),
    origin: "from memory",
    kind: "clips",
    name: (index) => `clip ${index}`,
    picture(index) {
      const data = new Uint8Array(5 * size);
      for (let frame = 0; frame < 5; frame++)
        data.set(shapePicture((label(index) + frame) % LABELS.length, first + index).data, frame * size);
      return {
        kind: "frames",
        frames: { image: { width: SIZE, height: 5 * SIZE, data }, times: Float64Array.of(0, 1, 2, 3, 4) },
      };
    },
  });
}

export const VIDEO = {
  architecture: "media_sparseformer",
  config: { ...TINY_CONFIG, replicates: 2 },
  clip: { frames: CLIP_FRAMES },
} as const;
