// What `saccade audit` prints for people: the findings in the order of their weight, each with what to do and its worst cases.
import { type Advice, adviceFor } from "../audit/advice.ts";
import type { AuditResult } from "../audit/result.ts";
import { fold } from "./facts.ts";
import { printable } from "./terminal.ts";

const MOST_CASES = 5;

/** Findings in blocks, under what was audited. */
export function auditText(result: AuditResult, columns: number): string {
  const advice = adviceFor(result);
  const parts = [
    headline(result, columns),
    ...(advice.length === 0 ? ["Nothing was found that looks wrong.\n"] : advice.map((one) => block(one, columns))),
    ...(result.next === undefined ? [] : [nextText(result, columns)]),
  ];
  return parts.join("\n");
}

function headline({ data, set, balance, classNames, labels, model }: AuditResult, columns: number): string {
  const splits = balance.splits.map((split) => `${split} ${set.pictures.filter((one) => one.split === split).length}`);
  const present = balance.classes.filter(({ total }) => total > 0).length;
  const all = `${classNames.length} ${classNames.length === 1 ? "class" : "classes"}`;
  const text = [
    `${data}: ${set.pictures.length} pictures of ${present === classNames.length ? "" : `${present} of `}${all} (${splits.join(", ")})`,
    labels === undefined
      ? ""
      : `classifiers on the features of ${model.name} agree with ${(100 * labels.agreement).toFixed(1)} % of the labels`,
  ];
  return lines(text.filter((line) => line !== "").join("\n"), "", columns);
}

function block({ found, todo, cases }: Advice, columns: number): string {
  const shown = cases.slice(0, MOST_CASES);
  const more = cases.length - shown.length;
  return [
    lines(`${found}: ${todo}`, "", columns),
    ...shown.map(({ path, detail }) => caseLines(path, detail, columns)),
    more > 0 ? `  and ${more} more\n` : "",
  ].join("");
}

/** Beside each other where there is room, else the detail under the path: paths are copied, so they are never cut. */
function caseLines(path: string, detail: string, columns: number): string {
  const shown = printable(path);
  const one = `  ${shown}  ${printable(detail)}`;
  return one.length <= columns ? `${one}\n` : `  ${shown}\n${lines(detail, "    ", columns)}`;
}

function lines(text: string, indent: string, columns: number): string {
  return fold(text, columns - indent.length)
    .map((line) => `${indent}${line}\n`)
    .join("");
}

function nextText(result: AuditResult, columns: number): string {
  const { chosen, pictures, unlabelled } = result.next!;
  const title = `${chosen.length} of ${pictures} pictures in ${unlabelled} to label next:`;
  return [
    lines(title, "", columns),
    ...chosen.map(({ name, likeliest }) => {
      const [first, second] = likeliest.map((label) => result.classNames[label]);
      return caseLines(name, `${first} or ${second}?`, columns);
    }),
  ].join("");
}
