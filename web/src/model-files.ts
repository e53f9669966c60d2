// A model in the browser's storage as files for the disk: its folder in a zip, or one ONNX file.
import { zipSync } from "fflate";
import { exportOnnx, files } from "./library.ts";

/** All files below a folder, by their paths in it. */
export async function filesBelow(folder: string): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  const walk = async (path: string, inside: string): Promise<void> => {
    for (const entry of await files.list(path)) {
      const name = `${inside}${entry.path.split("/").at(-1)}`;
      if (entry.isDirectory) await walk(entry.path, `${name}/`);
      else found.set(name, await files.read(entry.path));
    }
  };
  await walk(folder, "");
  return found;
}

/** @param name of the folder in the zip */
export async function folderAsZip(folder: string, name: string): Promise<Blob> {
  const entries = [...(await filesBelow(folder))].map(([path, bytes]) => [`${name}/${path}`, bytes] as const);
  // Weights do not get smaller.
  return new Blob([zipSync(Object.fromEntries(entries), { level: 0 }) as Uint8Array<ArrayBuffer>], {
    type: "application/zip",
  });
}

export async function folderAsOnnx(folder: string): Promise<Blob> {
  return new Blob([(await exportOnnx(folder)) as Uint8Array<ArrayBuffer>], { type: "application/octet-stream" });
}
