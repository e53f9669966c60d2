// The page of one model: pictures and the camera, and what it says of them. Nothing else.
import "../teach/teach.css";
import "./own.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { droppedFiles } from "../incoming-files.ts";
import { type ClassificationResult, Classifier } from "../library.ts";
import { isAbort, ProblemError, problemOf } from "../problems.ts";
import { camera, closeCamera, openCamera } from "../state/camera.ts";
import { dismiss, problems, report } from "../state/notices.ts";
import { Answers } from "../teach/try-answers.tsx";
import { Button, Card, FileButton, ProblemBox, Progress } from "../ui/controls.tsx";
import type { OwnModel } from "./mode.ts";

export function OwnPage({ model }: { readonly model: OwnModel }) {
  const [classifier, setClassifier] = useState<Classifier>();
  const [said, setSaid] = useState<ClassificationResult>();
  const [url, setUrl] = useState<string>();
  const stream = camera.value.status === "on" ? camera.value.stream : undefined;

  useEffect(() => {
    const address = new URL(model.file, document.baseURI);
    Classifier.load(address, { device: "wasm" }).then(setClassifier, (error: unknown) =>
      report(location.protocol === "file:" ? opensFromDisk() : error),
    );
  }, [model]);

  const look = async (file: Blob) => {
    if (classifier === undefined) return;
    closeCamera();
    setUrl((before) => {
      if (before !== undefined) URL.revokeObjectURL(before);
      return URL.createObjectURL(file);
    });
    setSaid(await classifier.classify(file));
  };
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      if (event.dataTransfer !== null)
        droppedFiles(event.dataTransfer)
          .then(([first]) => first && look(first.file))
          .catch(report);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("drop", drop);
    };
  });

  return (
    <main class="own">
      <h1>{model.name}</h1>
      <p class="soft">Drop a picture, or open the camera. Nothing leaves this machine.</p>
      {problems.value.map(({ id, ...problem }) => (
        <ProblemBox key={id} problem={problem} onDismiss={() => dismiss(id)} />
      ))}
      {classifier === undefined ? (
        problems.value.length === 0 && <Progress label="Opening the model" />
      ) : (
        <>
          <div class="row">
            <FileButton
              kind="primary"
              icon="picture"
              accept="image/*"
              onFiles={([first]) => first && look(first.file).catch(report)}
            >
              Choose a picture
            </FileButton>
            {stream === undefined ? (
              <Button icon="camera" onClick={() => void openCamera()}>
                Open the camera
              </Button>
            ) : (
              <Button icon="stop" onClick={closeCamera}>
                Close the camera
              </Button>
            )}
          </div>
          {stream !== undefined && <Film stream={stream} classifier={classifier} onSaid={setSaid} />}
          {stream === undefined && url !== undefined && <img class="own-picture" src={url} alt="What was looked at" />}
          {said !== undefined && (
            <Card title="What it says">
              <Answers said={said} />
            </Card>
          )}
        </>
      )}
    </main>
  );
}

interface FilmProps {
  readonly stream: MediaStream;
  readonly classifier: Classifier;
  readonly onSaid: (said: ClassificationResult) => void;
}

function Film({ stream, classifier, onSaid }: FilmProps) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    element.srcObject = stream;
    let isOver = false;
    const loop = async () => {
      await element.play();
      while (!isOver) {
        if (!document.hidden && element.videoWidth > 0) onSaid(await classifier.classify(element));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    loop().catch((error: unknown) => {
      if (!isOver && !isAbort(error)) report(problemOf(error));
    });
    return () => {
      isOver = true;
    };
  }, [stream, classifier, onSaid]);
  return <video class="own-picture" ref={video} muted playsInline aria-label="The camera" />;
}

function opensFromDisk(): ProblemError {
  return new ProblemError(
    "Browsers do not let a page read files beside it when it is opened from the disk.",
    "Put the folder onto any web server, or run one in it, such as npx http-server.",
  );
}
