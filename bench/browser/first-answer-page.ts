// The bundled model in a page that does nothing else: the first answer, counted from navigation, and frames of a camera's size with gaze.

import { Classifier } from "../../src/web.ts";
import { expose } from "../../test/browser/pages/expose.ts";

/** A frame as a camera gives it. */
function frame(turn: number): ImageData {
  const [width, height] = [640, 480];
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < pixels.length; i++) pixels[i] = i % 4 === 3 ? 255 : (i * 7 + turn * 31 + ((i >> 9) & 63)) % 256;
  return new ImageData(pixels, width, height);
}

const threads = Number(new URLSearchParams(location.search).get("threads") ?? 2);
const notices: string[] = [];
const first = (async () => {
  const classifier = await Classifier.load("saccade/everyday", {
    device: "wasm",
    threads,
    onNotice: (line) => notices.push(line),
  });
  const loadedMs = performance.now();
  const { gaze } = await classifier.classify(frame(0), { explain: true });
  return { classifier, loadedMs, answerMs: performance.now(), stages: gaze?.stages.length };
})();

const api = {
  /** Milliseconds from navigation. */
  async first() {
    const { loadedMs, answerMs, stages } = await first;
    return { loadedMs, answerMs, stages, notices };
  },
  /** Milliseconds of frames one after another: from the frame's pixels to the answer with its gaze. */
  async frames(count: number) {
    const { classifier } = await first;
    const times: number[] = [];
    for (let turn = 1; turn <= count; turn++) {
      const picture = frame(turn);
      const begin = performance.now();
      await classifier.classify(picture, { explain: true });
      times.push(performance.now() - begin);
    }
    return times;
  },
};

export type FirstAnswerApi = typeof api;
expose(api);
