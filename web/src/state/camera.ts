// The camera: one for the whole page. Who shows it asks for its stream; it is switched off when nobody does any more.
import { signal } from "@preact/signals";
import { ProblemError } from "../problems.ts";
import { announce, report } from "./notices.ts";

export type Facing = "user" | "environment";

export type CameraState =
  | { readonly status: "off" }
  | { readonly status: "asking" }
  | { readonly status: "on"; readonly stream: MediaStream };

export const camera = signal<CameraState>({ status: "off" });
/** Which camera of a phone. */
export const facing = signal<Facing>("environment");

const SIZE = { width: { ideal: 1280 }, height: { ideal: 720 } };

/** Asks for the camera. What stands in the way is reported; the answer is whether it is on. */
export async function openCamera(): Promise<boolean> {
  if (camera.value.status === "on") return true;
  camera.value = { status: "asking" };
  try {
    if (!isSecureContext || navigator.mediaDevices === undefined)
      throw new ProblemError(
        "Browsers give the camera only to pages on this machine or with https.",
        "Open this page through localhost or 127.0.0.1, or drop pictures instead.",
      );
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...SIZE, facingMode: facing.value } });
    for (const track of stream.getTracks()) track.addEventListener("ended", lost);
    camera.value = { status: "on", stream };
    announce("The camera is on.");
    return true;
  } catch (error) {
    camera.value = { status: "off" };
    report(wordedCameraError(error));
    return false;
  }
}

export function closeCamera(): void {
  const { value } = camera;
  if (value.status !== "on") return;
  for (const track of value.stream.getTracks()) {
    track.removeEventListener("ended", lost);
    track.stop();
  }
  camera.value = { status: "off" };
  announce("The camera is off.");
}

/** The other camera of a phone. */
export async function turnCamera(): Promise<void> {
  facing.value = facing.value === "user" ? "environment" : "user";
  closeCamera();
  await openCamera();
}

/** Unplugged, taken by another program, or gone while the machine slept. */
function lost(): void {
  closeCamera();
  report(
    new ProblemError(
      "The camera is gone: it was unplugged, another program took it, or the machine slept.",
      "Open the camera again. Your pictures are still here.",
    ),
  );
}

function wordedCameraError(error: unknown): unknown {
  switch (error instanceof DOMException ? error.name : undefined) {
    case "NotAllowedError":
    case "SecurityError":
      return new ProblemError(
        "The browser did not allow the camera.",
        "Allow it at the left end of the address bar, then open the camera again; or drop pictures instead.",
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return new ProblemError("There is no camera here.", "Connect one, or drop pictures instead.");
    case "NotReadableError":
    case "AbortError":
      return new ProblemError(
        "The camera does not answer: another program may be using it.",
        "Close that program, then open the camera again.",
      );
    default:
      return error;
  }
}
