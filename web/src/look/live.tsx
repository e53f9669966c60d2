// The camera: looked at where its picture changed, or at every frame as fast as it goes; answers and gaze of the frame that was looked at last.
import { signal as state } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { GazeLayer } from "../gaze/gaze-layer.tsx";
import { decodeImage, type StreamCounts } from "../library.ts";
import { followed, type Looked, type Looker } from "../looker.ts";
import { isAbort, type Problem, problemOf } from "../problems.ts";
import { camera, closeCamera, facing, turnCamera } from "../state/camera.ts";
import { announce, report } from "../state/notices.ts";
import { addPictures } from "../state/pictures.ts";
import { Button, Card, IconButton, ProblemBox } from "../ui/controls.tsx";
import { milliseconds } from "../ui/numbers.ts";
import { Answers } from "./answers.tsx";
import { looker, openAgain, threshold } from "./looking.ts";

/** Whether a frame is looked at only where it changed. */
const savesLooks = state(true);

type LookCounts = Pick<StreamCounts, "frames" | "fullLooks">;

interface LiveView {
  readonly looked: Looked | undefined;
  /** Answered frames a second, over the last ones. */
  readonly rate: number | undefined;
  /** While only what changed is looked at. */
  readonly counts?: LookCounts;
  readonly problem: Problem | undefined;
}

const NOTHING: LiveView = { looked: undefined, rate: undefined, problem: undefined };
/** Frames that the rate is the mean of. */
const RATED = 12;

export function Live({ stream }: { readonly stream: MediaStream }) {
  const video = useRef<HTMLVideoElement>(null);
  const [{ looked, rate, counts, problem }, setView] = useState<LiveView>(NOTHING);
  const open = looker.value;
  const sure = threshold.value;
  const canFollow = open?.follows ?? true;
  const follows = savesLooks.value && canFollow;

  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    element.srcObject = stream;
    element.play().catch((error: unknown) => {
      if (!isAbort(error)) report(error);
    });
    return () => {
      element.srcObject = null;
    };
  }, [stream]);

  useEffect(() => {
    const element = video.current;
    if (element === null || open === undefined) return;
    const stopping = new AbortController();
    const { signal } = stopping;
    const times: number[] = [];
    let lastLabel = "";
    const loop = async () => {
      const look = follows ? await following(open, sure) : everyFrame(open, sure);
      while (!signal.aborted) {
        await nextFrame(element, signal);
        if (signal.aborted) return;
        const { looked, counts } = await look(element, signal);
        if (signal.aborted) return;
        times.push(performance.now());
        if (times.length > RATED) times.shift();
        const span = times.at(-1)! - times[0]!;
        const rate = span > 0 ? (1000 * (times.length - 1)) / span : undefined;
        setView({ looked, rate, problem: undefined, ...(counts && { counts }) });
        const label = looked.predictions[0]?.label ?? "";
        if (label !== lastLabel) announce(label);
        lastLabel = label;
      }
    };
    loop().catch((error: unknown) => {
      if (!signal.aborted && !isAbort(error)) setView({ ...NOTHING, problem: problemOf(error) });
    });
    return () => stopping.abort();
  }, [open, sure, follows]);

  const photograph = () => {
    if (video.current !== null)
      photographed(video.current)
        .then((file) => addPictures([file]))
        .then(closeCamera)
        .catch(report);
  };
  const isMirrored = facing.value === "user";
  return (
    <>
      <figure class="stage">
        <div class="stage-picture">
          <div class={isMirrored ? "gaze-frame mirrored" : "gaze-frame"}>
            <video ref={video} muted playsInline aria-label="The camera" />
            <GazeLayer look={looked?.looks.at(-1)} frame={looked?.frame} jumps />
          </div>
        </div>
        <div class="look-controls">
          <Button icon="camera" kind="primary" onClick={photograph}>
            Keep this picture
          </Button>
          <IconButton icon="flip" label="The other camera" onClick={() => turnCamera().catch(report)} />
          <span class="look-name number">{rate === undefined ? "" : describe(rate, looked?.ms ?? 0, counts)}</span>
          {canFollow && (
            <label class="check" title="Where the picture stays as it was, the answer stands, and nothing is paid">
              <input
                type="checkbox"
                checked={savesLooks.value}
                onChange={({ currentTarget }) => {
                  savesLooks.value = currentTarget.checked;
                }}
              />
              Only what changed
            </label>
          )}
          <Button icon="stop" onClick={closeCamera}>
            Close the camera
          </Button>
        </div>
      </figure>
      <Card title="What it says">
        {problem !== undefined && (
          <>
            <ProblemBox problem={problem} />
            <Button onClick={openAgain}>Try again</Button>
          </>
        )}
        {looked === undefined && problem === undefined ? <p class="soft">Looking …</p> : null}
        {looked !== undefined && <Answers looked={looked} />}
      </Card>
    </>
  );
}

function describe(rate: number, ms: number, counts: LookCounts | undefined): string {
  const aSecond = rate.toFixed(rate < 9.95 ? 1 : 0);
  return counts === undefined
    ? `${aSecond} looks a second, ${milliseconds(ms)} ms each`
    : `${aSecond} frames a second, looked at ${counts.fullLooks} of ${counts.frames}`;
}

/** One frame's answer. */
type LookAt = (video: HTMLVideoElement, signal: AbortSignal) => Promise<Pick<LiveView, "counts"> & { looked: Looked }>;

function everyFrame(open: Looker, threshold: number | undefined): LookAt {
  return async (video, signal) => {
    const size = { width: video.videoWidth, height: video.videoHeight };
    return { looked: await open.look(video, { threshold, size, signal }) };
  };
}

async function following(open: Looker, threshold: number | undefined): Promise<LookAt> {
  const stream = await open.follow({ threshold });
  stream.forget(); // what the camera saw before it was closed
  const before = stream.counts;
  let ms = 0;
  return async (video) => {
    // One frame at a time is brought, so none is dropped.
    const answer = (await stream.push(await decodeImage(video)))!;
    if (answer.look !== "kept") ms = answer.latencyMs;
    const { frames, fullLooks } = stream.counts;
    const counts = { frames: frames - before.frames, fullLooks: fullLooks - before.fullLooks };
    return { looked: { ...followed(answer), ms }, counts };
  };
}

/** Waits until there is a frame to look at and somebody to look at it for: a hidden tab rests. */
async function nextFrame(video: HTMLVideoElement, signal: AbortSignal): Promise<void> {
  do {
    await new Promise<void>((resolve) => {
      const done = () => resolve();
      if (document.hidden) document.addEventListener("visibilitychange", done, { once: true });
      else if ("requestVideoFrameCallback" in video) {
        video.requestVideoFrameCallback(done);
        setTimeout(done, 500); // a camera that has stopped gives no frames
      } else requestAnimationFrame(done);
      signal.addEventListener("abort", done, { once: true });
    });
  } while (!signal.aborted && (document.hidden || camera.peek().status !== "on" || video.videoWidth === 0));
}

async function photographed(video: HTMLVideoElement): Promise<File> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  if (blob === null) throw new Error("the camera's picture could not be kept");
  return new File([blob], `photo ${new Date().toLocaleTimeString("en-GB")}.jpg`, { type: "image/jpeg" });
}
