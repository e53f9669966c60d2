// What browsers say when files and storage fail, in words with what to do about it.
import { SaccadeError } from "../../errors.ts";

const REASONS: Readonly<Record<string, readonly [code: string, reason: string, hint: string]>> = {
  QuotaExceededError: [
    "storage_full",
    "the browser's storage for this site is full",
    "forget models that are no longer needed (forgetModels), delete files of the site, or free space on the disk",
  ],
  NotReadableError: [
    "file_changed",
    "it cannot be read any more: it has changed, moved or gone since it was chosen",
    "choose it again",
  ],
  NotAllowedError: ["file_forbidden", "the browser does not let this page do that", "ask for the permission again"],
  NoModificationAllowedError: ["in_use", "another tab or worker has it open", "close the other one"],
  TypeMismatchError: [
    "is_directory",
    "it is a folder where a file is wanted, or the other way round",
    "check the path",
  ],
  SecurityError: [
    "storage_forbidden",
    "the browser gives this page no storage",
    "private windows, frames of other sites and pages over http have none",
  ],
};

/** The name of a DOMException, whatever realm it is from. */
export const faultName = (error: unknown): string =>
  typeof error === "object" && error !== null && "name" in error ? String(error.name) : "";

/** Turns what a browser throws into one of ours. What is one already stays it. @param action "read", "write" */
export function storageFault(error: unknown, action: string, path: string): SaccadeError {
  if (error instanceof SaccadeError) return error;
  const known = REASONS[faultName(error)];
  const [code, reason, hint] = known ?? ["file", error instanceof Error ? error.message : String(error), undefined];
  return new SaccadeError(code, `cannot ${action} ${path}: ${reason}`, {
    ...(hint === undefined ? {} : { hint }),
    data: { path, action, reason },
    cause: error,
  });
}

/** The bytes of a Blob or a File. Throws SaccadeError "file_changed" when it is not what it was. */
export async function bytesOfBlob(blob: Blob, name = (blob as Partial<File>).name ?? "the Blob"): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    // A file that is gone is "not found" in some browsers.
    const gone = faultName(error) === "NotFoundError" ? { name: "NotReadableError" } : error;
    throw storageFault(gone, "read", name);
  }
}
