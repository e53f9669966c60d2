// The models that come with the package, as a folder: their files where the bundler put them. What is here is known by its digest, so that the browser keeps
// it, and a new release of the package fetches what is new in it.
import { addressOf } from "./address.ts";
import { type DownloadOptions, download } from "./download.ts";
import { type Mount, wholeFile } from "./mounts.ts";
import { bundledModelsFolder } from "./settings.ts";

interface BundledFile {
  readonly sha256: string;
  readonly bytes: number;
  /** Written out as it is, because bundlers look for this very form. */
  readonly url: () => URL;
}

/** By model and file; a test compares them with the folder `models`. */
export const BUNDLED: Readonly<Record<string, Readonly<Record<string, BundledFile>>>> = {
  everyday: {
    "config.json": {
      sha256: "0aae7cdaa797d5793b5a10cfedf5baa508c1ddccfdde540b1b21ac38849043aa",
      bytes: 5449,
      url: () => new URL("../../../models/everyday/config.json", import.meta.url),
    },
    "model.safetensors": {
      sha256: "396d4f524621b5a25f4a9ad70114744a80cc3b0eed09da43c05aa890922f71bc",
      bytes: 5206948,
      url: () => new URL("../../../models/everyday/model.safetensors", import.meta.url),
    },
  },
  photographs: {
    "config.json": {
      sha256: "1acecd407bf21323e0ad08b63179a2f1d8379e59288dc0fb56d61ce9829866e6",
      bytes: 8203,
      url: () => new URL("../../../models/photographs/config.json", import.meta.url),
    },
    "model.safetensors": {
      sha256: "dc7ab0917393ac4f9d0c2991dee029da5c1f3048bb7a09230e4d344443131005",
      bytes: 3603448,
      url: () => new URL("../../../models/photographs/model.safetensors", import.meta.url),
    },
  },
};

/** Path of the folder that holds the folders of bundled models. */
export const BUNDLED_ROOT = "(bundled)";

export function bundledModels(options: DownloadOptions): Mount {
  const fetchFile = (model: string, name: string, { url, sha256 }: BundledFile) => {
    const models = bundledModelsFolder();
    const address = models === undefined ? url() : new URL(`${model}/${name}`, folderAddress(models));
    // They are files of the page: a service worker that keeps the page has them from the browser, not a second time from the network.
    return download(address, { ...options, sha256, isShared: true, path: `${BUNDLED_ROOT}/${model}/${name}` });
  };
  /** What is on its way because it will be asked for next. */
  const coming = new Map<string, Promise<Uint8Array>>();
  const read = (model: string, name: string, file: BundledFile) => {
    // A model's other files are wanted right after its configuration: they need not wait for it.
    if (name === "config.json")
      for (const [other, wanted] of Object.entries(BUNDLED[model]!)) {
        if (other === name || coming.has(`${model}/${other}`)) continue;
        const fetched = fetchFile(model, other, wanted);
        fetched.catch(() => undefined); // who asks for it hears of it
        coming.set(`${model}/${other}`, fetched);
      }
    const fetched = coming.get(`${model}/${name}`) ?? fetchFile(model, name, file);
    coming.delete(`${model}/${name}`);
    return fetched;
  };
  return {
    root: BUNDLED_ROOT,
    async entry(path) {
      if (path === "") return { kind: "folder", names: Object.keys(BUNDLED) };
      const [model = "", name] = path.split("/");
      const files = BUNDLED[model];
      if (files === undefined) return undefined;
      if (name === undefined) return { kind: "folder", names: Object.keys(files) };
      const file = files[name];
      return file && wholeFile(file.bytes, () => read(model, name, file));
    },
  };
}

/** Addresses of what is in a folder are made from its own only when that ends in "/". */
export function folderAddress(url: string | URL): URL {
  const address = addressOf(url);
  if (!address.pathname.endsWith("/")) address.pathname += "/";
  return address;
}
