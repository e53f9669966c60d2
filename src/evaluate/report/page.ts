// What every report's page is: one file that loads nothing, with the reports' looks.
import { type HtmlValue, html, Markup } from "./html.ts";
import { SCRIPT, STYLE } from "./style.ts";

export interface Page {
  readonly title: string;
  readonly body: HtmlValue;
  /** The last line: program and date. */
  readonly footer?: string | undefined;
  /** Beside the reports' own. */
  readonly style?: string;
  readonly script?: string;
}

/** The whole file. Text in `title` and `footer` is escaped; style and script are not, so they are never made from data. */
export function renderPage({ title, body, footer, style = "", script = "" }: Page): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${title}</title>
<style>${new Markup(STYLE + style)}</style>
</head>
<body>
${body}${footer !== undefined && html`<footer>${footer}</footer>`}
<script>${new Markup(SCRIPT + script)}</script>
</body>
</html>
`.text;
}
