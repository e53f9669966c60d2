import { describe, expect, test } from "vitest";
import type { RawImage } from "../image/raw-image.ts";
import { MemoryVideo, numberedFrames } from "../video/memory-video.test-helper.ts";
import type { ClipSampling } from "./clip-work.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import type { PictureSource } from "./files.ts";
import { type Flips, flipsOf } from "./flips.ts";
import { type Batch, createLoader, inlineWorker } from "./loader.ts";
import { memoryFiles } from "./memory-files.test-helper.ts";
import { openDataset } from "./open.ts";
import { createSampler } from "./sampler.ts";

const RED_IS_NUMBER = "resize(8,6,nearest)|value_range(0,255)";

/** Videos that are opened by their paths. */
class Videos {
  readonly opened: MemoryVideo[] = [];
  constructor(readonly frames: readonly RawImage[]) {}

  readonly open = async (path: string): Promise<MemoryVideo> => {
    const video = new MemoryVideo(this.frames, { name: path });
    this.opened.push(video);
    return video;
  };
}

function clips(count: number, source: (index: number) => PictureSource): Dataset {
  return createDataset({
    labels: ["a", "b"],
    targets: Int32Array.from({ length: count }, (_, i) => i % 2),
    origin: "from a test",
    kind: "clips",
    name: (i) => `clip ${i}`,
    picture: source,
  });
}

async function firstEpochs(
  dataset: Dataset,
  clip: ClipSampling,
  {
    videos = new Videos([]),
    epochs = 1,
    augmentation = RED_IS_NUMBER,
    flips,
  }: { videos?: Videos; epochs?: number; augmentation?: string; flips?: Flips } = {},
): Promise<Batch[]> {
  const files = memoryFiles({});
  const decode = () => Promise.reject(new Error("no picture is here"));
  await using loader = createLoader({
    dataset,
    sampler: createSampler(dataset, { batchSize: 2, seed: 5, shuffle: false }),
    augmentation,
    clip,
    ...(flips === undefined ? {} : { flips }),
    workers: [inlineWorker({ files, decode, openVideo: videos.open })],
  });
  const batches: Batch[] = [];
  for await (const batch of loader.batches({ untilEpoch: epochs })) batches.push(batch);
  return batches;
}

/** The red of each frame of a row: its number. */
function framesSeen({ images }: Batch, row: number): number[] {
  const [, , frames, height, width] = images.shape as [number, number, number, number, number];
  return Array.from({ length: frames }, (_, frame) => images.data[(row * 3 * frames + frame) * height * width]!);
}

const file = (index: number): PictureSource => ({ kind: "video", path: `/${index}.mp4` });
const REGULAR = { frames: 4, picking: "regular", hasTime: true } as const;
const RANDOM = { frames: 4, picking: "random", hasTime: true } as const;

describe("clips of a loader", () => {
  test("are (N, 3, frames, height, width): a frame of each part, or so many seconds apart around the middle", async () => {
    const videos = new Videos(numberedFrames(16));
    const [batch] = await firstEpochs(clips(2, file), REGULAR, { videos });
    expect(batch!.images.shape).toEqual([2, 3, 4, 6, 8]);
    expect(framesSeen(batch!, 1)).toEqual([2, 6, 10, 14]);
    expect(videos.opened.every(({ isOpen }) => !isOpen)).toBe(true);
    const [apart] = await firstEpochs(clips(2, file), { ...REGULAR, secondsBetweenFrames: 2 / 25 }, { videos });
    expect(framesSeen(apart!, 0)).toEqual([5, 7, 9, 11]);
  });

  test("are others in every epoch, and the same again; a short video is decoded once", async () => {
    const videos = new Videos(numberedFrames(16));
    const batches = await firstEpochs(clips(2, file), RANDOM, { videos, epochs: 3 });
    const seen = batches.map((batch) => framesSeen(batch, 0));
    for (const frames of seen)
      expect(frames.every((frame, part) => frame >= 4 * part && frame < 4 * part + 4)).toBe(true);
    expect(new Set(seen.map(String)).size).toBeGreaterThan(1);
    expect(videos.opened).toHaveLength(2);
    const again = await firstEpochs(clips(2, file), RANDOM, { videos: new Videos(numberedFrames(16)), epochs: 3 });
    expect(again.map(({ images }) => images.data)).toEqual(batches.map(({ images }) => images.data));
  });

  test("of a long video only the frames that are seen are decoded", async () => {
    const videos = new Videos(numberedFrames(40, 400, 300));
    const [batch] = await firstEpochs(clips(2, file), REGULAR, { videos });
    expect(framesSeen(batch!, 0)).toEqual([5, 15, 25, 35]);
    expect(videos.opened[0]!.decoded).toEqual([5, 15, 25, 35]);
  });

  test("of a part of a video have frames of that part", async () => {
    const videos = new Videos(numberedFrames(25));
    const part = (i: number): PictureSource => ({ kind: "video", path: `/${i}.mp4`, start: 0.4, end: 0.72 });
    const [batch] = await firstEpochs(clips(2, part), REGULAR, { videos });
    expect(framesSeen(batch!, 0)).toEqual([11, 13, 15, 17]);
  });

  test("are played backwards in half of all cases, under the label that they then have", async () => {
    const videos = new Videos(numberedFrames(16));
    const flips = flipsOf({ time: [["a", "b"]] }, ["a", "b"]);
    const batches = await firstEpochs(clips(8, file), REGULAR, { videos, epochs: 4, flips });
    const seen = batches.flatMap(({ items, labels, targets }, i) =>
      [0, 1].map((row) => {
        const frames = framesSeen(batches[i]!, row);
        const isBackwards = frames[0]! > frames[3]!;
        expect(frames).toEqual(isBackwards ? [14, 10, 6, 2] : [2, 6, 10, 14]);
        expect(labels[row]).toBe(isBackwards ? 1 - (items[row]! % 2) : items[row]! % 2);
        expect(targets.data[2 * row + labels[row]!]).toBe(1);
        return isBackwards;
      }),
    );
    // Of a row that is in the cache as of one that is decoded, and otherwise in each epoch.
    const backwards = seen.filter((each) => each).length;
    expect(backwards).toBeGreaterThan(8);
    expect(backwards).toBeLessThan(24);
    expect(seen.slice(0, 8)).not.toEqual(seen.slice(8, 16));
    expect(videos.opened.length).toBe(8);
  });

  test("are augmented alike in all frames", async () => {
    const noise: RawImage = {
      width: 40,
      height: 30,
      data: Uint8Array.from({ length: 3600 }, (_, i) => (i * i * 31) & 255),
    };
    const stack = { width: 40, height: 90, data: new Uint8Array(3 * 3600) };
    for (let i = 0; i < 3; i++) stack.data.set(noise.data, i * 3600);
    const source = (): PictureSource => ({ kind: "frames", frames: { image: stack, times: Float64Array.of(0, 1, 2) } });
    const augmentation =
      "random_resized_crop(8,0.2:1)|flip(0.5)|rand_augment(rand-m9-mstd0.5-inc1)|color_jitter(0.3,0.3,0.3)|normalize(imagenet)|random_erasing(0.5)";
    const batches = await firstEpochs(clips(6, source), { ...RANDOM, frames: 3 }, { augmentation });
    for (const { images } of batches)
      for (let plane = 0; plane < 6; plane++) {
        const frame = (i: number) => images.data.subarray((plane * 3 + i) * 64, (plane * 3 + i + 1) * 64);
        expect(frame(1)).toEqual(frame(0));
        expect(frame(2)).toEqual(frame(0));
      }
    expect(batches[0]!.images.data.slice(0, 64)).not.toEqual(batches[1]!.images.data.slice(0, 64));
  });

  test("of one frame are pictures for a model of pictures", async () => {
    const videos = new Videos(numberedFrames(16));
    const [batch] = await firstEpochs(clips(2, file), { frames: 1, picking: "regular", hasTime: false }, { videos });
    expect(batch!.images.shape).toEqual([2, 3, 6, 8]);
    expect(batch!.images.data[0]).toBe(8);
  });

  test("a picture among them is a problem, and another clip takes its place", async () => {
    const videos = new Videos(numberedFrames(16));
    const source = (i: number): PictureSource => (i === 1 ? { kind: "file", path: "/1.jpg" } : file(i));
    const [batch] = await firstEpochs(clips(4, source), REGULAR, { videos });
    expect([...batch!.items]).toEqual([0, 2]);
  });
});

describe("opening", () => {
  const open = (contents: Record<string, string>, path: string) =>
    openDataset(memoryFiles(contents), path, { kind: "clips", validationFraction: 0 });

  test("videos, animations and folders of frames in class folders", async () => {
    const { train, summary } = await open(
      {
        "/d/train/runs/1.mp4": "x",
        "/d/train/runs/deep/2.webm": "x",
        "/d/train/runs/notes.txt": "x",
        "/d/train/jumps/1.webp": "x",
        "/d/train/jumps/2/0001.jpg": "x",
        "/d/train/jumps/2/0002.jpg": "x",
        "/d/train/jumps/stray.jpg": "x",
      },
      "/d",
    );
    expect([...train!.targets.keys()].map((i) => train!.name(i))).toEqual([
      "/d/train/jumps/1.webp",
      "/d/train/jumps/2",
      "/d/train/runs/1.mp4",
      "/d/train/runs/deep/2.webm",
    ]);
    expect(summary.join("\n")).toContain("4 clips of 2 classes from folders of clips");
    expect(summary.join("\n")).toContain("not videos: 1 .jpg, 1 .txt");
  });

  test("lists of videos, with parts of them", async () => {
    const { train, validation } = await open(
      {
        "/d/list.csv":
          "path,label,split,start,end\na.mp4,x,train,1.5,3\nb.mp4,y,train,,\nb.mp4,x,val,2,\nc.mp4,y,train,4,4\n",
      },
      "/d/list.csv",
    );
    expect((await train!.item(0)).picture).toEqual({ kind: "video", path: "/d/a.mp4", start: 1.5, end: 3 });
    expect((await train!.item(1)).picture).toEqual({ kind: "video", path: "/d/b.mp4" });
    expect((await validation!.item(0)).picture).toEqual({ kind: "video", path: "/d/b.mp4", start: 2 });
    expect(train!.problems).toEqual([
      { name: "list.csv:5", reason: 'its part from "4" to "4" is none: both are seconds' },
    ]);
  });

  test("who wants pictures is told that there are videos", async () => {
    const files = memoryFiles({ "/d/a/1.mp4": "x", "/d/b/1.mp4": "x" });
    await expect(openDataset(files, "/d")).rejects.toThrow("/d holds videos and no pictures");
  });
});
