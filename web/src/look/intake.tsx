// How pictures come in: dropped anywhere, pasted, chosen, photographed.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { droppedFiles, type IncomingFile, pastedFiles } from "../incoming-files.ts";
import { camera, openCamera } from "../state/camera.ts";
import { isModel, openFromDisk } from "../state/models.ts";
import { report } from "../state/notices.ts";
import { addPictures } from "../state/pictures.ts";
import { Button, FileButton } from "../ui/controls.tsx";

/** Takes what somebody brought: a model where it is one, else pictures. */
export async function takeIn(files: readonly IncomingFile[]): Promise<void> {
  if (isModel(files)) await openFromDisk(files);
  else addPictures(files.map(({ file }) => file));
}

/** All of the panel takes drops and pastes. */
export function DropRoom({ children }: { readonly children: ComponentChildren }) {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      setOver(false);
      if (event.dataTransfer === null) return;
      event.preventDefault();
      droppedFiles(event.dataTransfer).then(takeIn).catch(report);
    };
    const paste = (event: ClipboardEvent) => addPictures(pastedFiles(event.clipboardData));
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    addEventListener("paste", paste);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
      removeEventListener("paste", paste);
    };
  }, []);
  return (
    <div class="drop-room">
      {children}
      {isOver && (
        <div class="drop-here" aria-hidden="true">
          <p>Drop it here</p>
        </div>
      )}
    </div>
  );
}

export function PictureButtons({ isFirst }: { readonly isFirst: boolean }) {
  const isOn = camera.value.status !== "off";
  return (
    <div class="row">
      <FileButton icon="picture" kind={isFirst ? "primary" : "plain"} accept="image/*" multiple onFiles={takePictures}>
        Choose pictures
      </FileButton>
      <span class="phone-only">
        <FileButton icon="camera" accept="image/*" capture="environment" onFiles={takePictures}>
          Take a photo
        </FileButton>
      </span>
      {!isOn && (
        <Button icon="camera" onClick={openCamera}>
          Open the camera
        </Button>
      )}
    </div>
  );
}

const takePictures = (files: readonly IncomingFile[]) => addPictures(files.map(({ file }) => file));
