// The files of an audit: a page with the pictures, everything as JSON, and the suggestions as a table to edit.
import { auditToJson, suggestionsToCsv } from "../audit/audit-json.ts";
import type { DrawingHost } from "../audit/pictures-drawn.ts";
import { type AuditReportOptions, renderAuditReport } from "../audit/report.ts";
import type { AuditResult } from "../audit/result.ts";
import type { Host } from "../platform/host.ts";
import { engineProducts } from "../tasks/recognise/engine-products.ts";

/** Paths of what was written. */
export interface AuditFiles {
  readonly report: string;
  readonly json: string;
  /** undefined where labels were not checked. */
  readonly suggestions: string | undefined;
}

/**
 * Writes `report.html`, `audit.json` and `suggestions.csv` into a folder, which is made where it is missing. Files of these names are replaced,
 * others stay.
 */
export async function writeAudit(
  host: Host & DrawingHost,
  result: AuditResult,
  folder: string,
  options: AuditReportOptions = {},
): Promise<AuditFiles> {
  const { files } = host;
  // First, so that nothing is written when the pictures cannot be drawn.
  const page = await renderAuditReport(host, result, { products: engineProducts(host), ...options });
  await files.makeDirectory(folder);
  const write = async (name: string, text: string) => {
    const path = files.join(folder, name);
    await files.writeAtomic(path, text);
    return path;
  };
  return {
    suggestions: result.labels === undefined ? undefined : await write("suggestions.csv", suggestionsToCsv(result)),
    json: await write("audit.json", `${JSON.stringify(auditToJson(result), undefined, 1)}\n`),
    report: await write("report.html", page),
  };
}
