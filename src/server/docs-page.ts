// The OpenAPI document as a page for people: plain HTML, no script, nothing from elsewhere.
import { html, Markup } from "../evaluate/report/html.ts";
import type { OpenApiDocument } from "./openapi.ts";

const STYLE = new Markup(`
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; background: #fff }
code, pre { font: 0.9em ui-monospace, monospace; background: #f3f3f3; border-radius: 4px; padding: 0.1em 0.3em }
pre { padding: 0.8em; overflow: auto }
h2 { margin-top: 2.5rem; border-top: 1px solid #ddd; padding-top: 1rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: 0.3em 0.8em 0.3em 0; border-bottom: 1px solid #eee }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #181818 } code, pre { background: #2a2a2a } h2, td, th { border-color: #3a3a3a } a { color: #8ab4f8 }
}`);

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly description?: string | undefined;
    readonly schema: unknown;
  }[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

export function docsPage({ info, paths }: OpenApiDocument): string {
  const operations = Object.entries(paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describe(method.toUpperCase(), path, operation)),
  );
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width"/><title>${info.title} API</title><style>${STYLE}</style></head>
<body><h1>${info.title} ${info.version}</h1>
<p>${info.description} The same for programs: <a href="openapi.json">openapi.json</a>. The Open Inference Protocol is under <code>/v2</code>.</p>
<pre>curl --data-binary @photo.jpg -H "Content-Type: image/jpeg" "…/v1/classify?top_k=3"
curl -F image=@a.jpg -F image=@b.jpg -F explain=gaze …/v1/classify</pre>
${operations}
</body></html>
`.text;
}

function describe(method: string, path: string, { summary, parameters = [], responses }: Operation): Markup {
  const fields = parameters.map(
    ({ name, description, schema }) =>
      html`<tr><td><code>${name}</code></td><td>${kindOf(schema)}</td><td>${description}</td></tr>`,
  );
  const statuses = Object.entries(responses).map(
    ([status, { description }]) => html`<tr><td><code>${status}</code></td><td>${description}</td></tr>`,
  );
  return html`<h2><code>${method} ${path}</code></h2><p>${summary}.</p>
${fields.length > 0 && html`<table><tr><th>field</th><th>kind</th><th></th></tr>${fields}</table>`}
<h3>Answers</h3><table>${statuses}</table>`;
}

/** "number", or the words that a field takes. */
function kindOf(schema: unknown): string {
  const { type, enum: words } = schema as { type?: string; enum?: readonly string[] };
  return words === undefined ? (type ?? "") : words.join(", ");
}
