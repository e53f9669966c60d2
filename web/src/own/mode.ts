// Whether this is the page of one model: such a page says so in its head.

const META = "saccade-own";

export interface OwnModel {
  readonly name: string;
  /** Its file, beside the page. */
  readonly file: string;
}

export function ownModel(): OwnModel | undefined {
  const meta = document.querySelector<HTMLMetaElement>(`meta[name="${META}"]`);
  return meta === null ? undefined : { name: document.title, file: meta.content };
}

/** The page's own HTML as that of a page of one model. @param html as it is served */
export function withOwnModel(html: string, { name, file }: OwnModel): string {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  parsed.title = name;
  const meta = parsed.createElement("meta");
  meta.name = META;
  meta.content = file;
  parsed.head.append(meta);
  // It is installed by nobody and changes for nobody.
  parsed.querySelector('link[rel="manifest"]')?.remove();
  return `<!doctype html>\n${parsed.documentElement.outerHTML}\n`;
}
