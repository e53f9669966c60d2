// Videos in a page, for test/browser/videos.slow.test.ts.
import { SaccadeError } from "../../../src/errors.ts";
import { createWebHost } from "../../../src/platform/web/host.ts";
import type { VideoFacts } from "../../../src/video/video.ts";
import { VideoClassifier } from "../../../src/web.ts";
import { expose } from "./expose.ts";

const host = createWebHost();

export interface PlainVideo {
  readonly facts: VideoFacts;
  readonly times: readonly number[];
  /** Frames read in order: their numbers, and their pixels as Base64 where they were asked for. */
  readonly read: readonly number[];
  readonly frames: readonly { readonly index: number; readonly seconds: number; readonly rgb: string }[];
}

const api = {
  /** Reads all, and gives the pixels of some. */
  video: async (url: string, as: "Blob" | "bytes" | "address", chosen: readonly number[]): Promise<PlainVideo> => {
    const blob = await (await fetch(url)).blob();
    const source =
      as === "Blob" ? blob : as === "bytes" ? new Uint8Array(await blob.arrayBuffer()) : new URL(url, location.href);
    await using video = await host.openVideo(source);
    const times = [...(await video.timestamps())];
    const read: number[] = [];
    for await (const { index, seconds } of video.read()) {
      if (seconds !== times[index]) throw new Error(`frame ${index} at ${seconds}`);
      read.push(index);
    }
    const frames: PlainVideo["frames"][number][] = [];
    for await (const { index, seconds, image } of video.frames(chosen)) {
      let text = "";
      for (let at = 0; at < image.data.length; at += 8192)
        text += String.fromCharCode(...image.data.subarray(at, at + 8192));
      frames.push({ index, seconds, rgb: btoa(text) });
    }
    return { facts: video.facts, times, read, frames };
  },
  /** What the bundled model of pictures says of a video, as a file that a person has chosen or at its address. */
  classify: async (
    url: string,
    as: "File" | "address",
    options: { readonly frames: number; readonly every?: number },
  ) => {
    await using classifier = await VideoClassifier.load("saccade/everyday", { device: "wasm", threads: 1 });
    const address = new URL(url, location.href);
    const source = as === "File" ? new File([await (await fetch(address)).blob()], "clip.webm") : address;
    const { predictions, views, segments, start, end } = await classifier.classify(source, options);
    return { predictions, cost: views.cost, segments, start, end };
  },
  failure: async (url: string): Promise<string> => {
    try {
      await using video = await host.openVideo(await (await fetch(url)).blob());
      for await (const _ of video.read());
      return "read";
    } catch (error) {
      return error instanceof SaccadeError ? error.code : String(error);
    }
  },
};
export type VideosApi = typeof api;

expose(api);
