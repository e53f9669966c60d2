// The camera as Teach uses it: one picture of it for all classes, frames for those who record, and live answers once something was learnt.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Recognition } from "../library.ts";
import { isAbort, type Problem, problemOf } from "../problems.ts";
import { camera, closeCamera, facing, openCamera, turnCamera } from "../state/camera.ts";
import { announce, report } from "../state/notices.ts";
import { Button, IconButton, ProblemBox } from "../ui/controls.tsx";
import { answer, lesson } from "./learning.ts";
import { Answers } from "./try-answers.tsx";

/** The element that shows the camera; undefined while it shows nothing. */
export const film = signal<HTMLVideoElement | undefined>(undefined);

export function CameraView() {
  const video = useRef<HTMLVideoElement>(null);
  const state = camera.value;
  const stream = state.status === "on" ? state.stream : undefined;

  useEffect(() => {
    const element = video.current;
    if (element === null || stream === undefined) return;
    element.srcObject = stream;
    const ready = () => {
      film.value = element;
    };
    element.addEventListener("loadeddata", ready);
    element.play().catch((error: unknown) => {
      if (!isAbort(error)) report(error);
    });
    return () => {
      element.removeEventListener("loadeddata", ready);
      film.value = undefined;
      element.srcObject = null;
    };
  }, [stream]);

  if (stream === undefined)
    return (
      <Button icon="camera" disabled={state.status === "asking"} onClick={() => void openCamera()}>
        {state.status === "asking" ? "Asking for the camera …" : "Open the camera"}
      </Button>
    );
  return (
    <div class="teach-camera">
      <video ref={video} class={facing.value === "user" ? "mirrored" : ""} muted playsInline aria-label="The camera" />
      <div class="row">
        <IconButton icon="flip" label="The other camera" onClick={() => turnCamera().catch(report)} />
        <Button icon="stop" onClick={closeCamera}>
          Close the camera
        </Button>
      </div>
      {lesson.value !== undefined && <LiveAnswers />}
    </div>
  );
}

/** What the lesson says of the camera, as fast as it goes. */
function LiveAnswers() {
  const [said, setSaid] = useState<Recognition>();
  const [problem, setProblem] = useState<Problem>();
  const video = film.value;
  const learnt = lesson.value;

  useEffect(() => {
    if (video === undefined || learnt === undefined) return;
    let isOver = false;
    let last = "";
    const loop = async () => {
      while (!isOver) {
        await nextFrame(video);
        if (isOver || document.hidden || video.videoWidth === 0) continue;
        const now = await answer(video);
        if (isOver || now === undefined) continue;
        setSaid(now);
        setProblem(undefined);
        const name = now.unknown === true ? "none of these" : (now.predictions[0]?.label ?? "");
        if (name !== last) announce(name);
        last = name;
      }
    };
    loop().catch((error: unknown) => {
      if (!isOver && !isAbort(error)) setProblem(problemOf(error));
    });
    return () => {
      isOver = true;
    };
  }, [video, learnt]);

  if (problem !== undefined) return <ProblemBox problem={problem} />;
  return said === undefined ? <p class="soft">Looking …</p> : <Answers said={said} />;
}

function nextFrame(video: HTMLVideoElement): Promise<void> {
  return new Promise((resolve) => {
    const done = () => resolve();
    if ("requestVideoFrameCallback" in video && !document.hidden) video.requestVideoFrameCallback(done);
    setTimeout(done, 500); // a hidden tab and a camera that has stopped give no frames
  });
}
