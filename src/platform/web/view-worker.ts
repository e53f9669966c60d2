// Entry of the worker that decodes larger picture files and brings them to a model's size.
import { decodePicture } from "./decode.ts";
import type { FromViewWorker, ToViewWorker } from "./view-thread.ts";

interface ViewWorkerScope {
  postMessage(message: FromViewWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToViewWorker>) => void) | null;
}

const scope = globalThis as unknown as ViewWorkerScope;

scope.onmessage = async ({ data: { id, bytes, options } }) => {
  try {
    const image = await decodePicture(bytes, options);
    const buffers = [image, ...(image.otherViews ?? [])].map(({ data }) => data.buffer as ArrayBuffer);
    scope.postMessage({ id, image }, [...new Set(buffers)]);
  } catch {
    scope.postMessage({ id, image: undefined }, []); // the page tries it too, and there it fails with its error
  }
};
