// A page of one model, as a zip that runs from any web server: this page's own files, with the model in the place of the bundled one.
import { strToU8, zipSync } from "fflate";
import { ProblemError } from "../problems.ts";
import { withOwnModel } from "./mode.ts";

const MODEL = "model.onnx";

const README = `This folder is a page that names what is in pictures and in front of the camera.
It runs from any web server, without a program on it: put all files onto one
(GitHub Pages, a school's server, …), or run one in this folder, for example

    npx http-server

and open the address that it prints. Cameras need https, or this machine's own
address (localhost). Pictures never leave the machine that looks at the page.
model.onnx is the model alone, for other programs.
`;

/**
 * @param name what the page is called
 * @param folder of the zip
 * @throws ProblemError when the page cannot read its own files
 */
export async function ownPage(name: string, folder: string, onnx: Blob): Promise<Blob> {
  const list = (await (await fetched("own-page-files.json")).json()) as string[];
  const html = await (await fetched("index.html")).text();
  const entries: Record<string, Uint8Array> = {
    [`${folder}/README.txt`]: strToU8(README),
    [`${folder}/index.html`]: strToU8(withOwnModel(html, { name, file: MODEL })),
    [`${folder}/${MODEL}`]: new Uint8Array(await onnx.arrayBuffer()),
  };
  for (const path of list) entries[`${folder}/${path}`] = new Uint8Array(await (await fetched(path)).arrayBuffer());
  return new Blob([zipSync(entries, { level: 6 }) as Uint8Array<ArrayBuffer>], { type: "application/zip" });
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(new URL(path, document.baseURI)).catch(() => undefined);
  if (response?.ok === true) return response;
  throw new ProblemError(
    `The page cannot read its own file ${path}.`,
    "Reload the page while its server runs, then save again. The ONNX file can be saved without it.",
  );
}
